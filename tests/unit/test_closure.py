"""Which files an overlay reaches, and what is refused before kustomize could reach out for it."""

from __future__ import annotations

import pytest

from tests.helpers.trees import File, Link, MemoryTree, Submodule
from updater.core import closure
from updater.core.closure import reach
from updater.errors import EditRefused, RenderError, UpdaterError

OVERLAY = "overlays/test/model-a"
FILE = f"{OVERLAY}/kustomization.yaml"
BASE = {
    "base/model-a/kustomization.yaml": "resources: [deployment.yaml]\n",
    "base/model-a/deployment.yaml": "kind: Deployment\n",
}


def reached(kustomization: str, files: dict[str, File] | None = None) -> set[str]:
    """What the overlay reaches besides its own kustomization."""
    return set(reach(MemoryTree({FILE: kustomization, **(files or {})}), OVERLAY)) - {FILE}


def refusal(kustomization: str, files: dict[str, File] | None = None) -> UpdaterError:
    with pytest.raises((RenderError, EditRefused)) as caught:
        reached(kustomization, files)
    return caught.value


def test_everything_that_is_reached_comes_with_its_node() -> None:
    tree = MemoryTree({FILE: "resources: [../../../base/model-a]\n", **BASE, "elsewhere/file.yaml": ""})

    assert reach(tree, OVERLAY) == {path: tree.node(path) for path in (FILE, *BASE)}


@pytest.mark.parametrize(
    "text",
    [
        "resources: [x]",
        "bases: [x]",
        "components: [x]",
    ],
)
def test_a_folder_is_walked(text: str) -> None:
    files: dict[str, File] = {f"{OVERLAY}/x/kustomization.yml": "crds: [y.json]\n", f"{OVERLAY}/x/y.json": "{}"}

    assert reached(text, files) == set(files)


@pytest.mark.parametrize(
    "text",
    [
        "resources: [x]",
        "crds: [x]",
        "configurations: ['x']",
        'patches: [{path: "x"}, {patch: "- op: remove"}]',
        "patchesStrategicMerge: [x]",
        "patchesJson6902: [{path: x, target: {kind: Deployment, name: a}}]",
        "patchesJSON6902: [{Path: x}]",
        "replacements: [{path: x}, {source: {kind: Deployment}}]",
        "configMapGenerator: [{name: a, files: [x]}]",
        "configMapGenerator: [{name: a, files: [key.txt=x]}]",
        "configMapGenerator: [{name: a, envs: [x]}]",
        "secretGenerator: [{name: a, env: x}]",
        "openapi: {path: x}",
        "OpenAPI: {path: ./x}",
        "resources: [../model-a/x]",
        "resources: [x]\ntransformers: ~\npatches:\nopenapi: {version: v1.20.4}",
    ],
)
def test_a_file_is_reached(text: str) -> None:
    assert reached(text, {f"{OVERLAY}/x": "kind: X\n"}) == {f"{OVERLAY}/x"}


def test_a_folder_that_two_others_need_is_walked_once() -> None:
    middle: dict[str, File] = {
        f"base/{name}/kustomization.yaml": "resources: [../model-a]\n" for name in ("left", "right")
    }

    assert reached("resources: [../../../base/left, ../../../base/right]", {**BASE, **middle}) == {*BASE, *middle}


class CountingTree(MemoryTree):
    def __init__(self, files: dict[str, File]) -> None:
        super().__init__(files)
        self.reads: list[str] = []

    def read(self, path: str) -> bytes:
        self.reads.append(path)
        return super().read(path)


def test_a_folder_is_read_once_however_often_it_is_needed() -> None:
    text = "resources: [../../../base/model-a]\n"
    middle: dict[str, File] = {f"overlays/test/{name}/kustomization.yaml": text for name in "ab"}
    tree = CountingTree({FILE: "resources: [../a, ../b, ../a/../b, ../../../base/model-a]\n", **middle, **BASE})

    reach(tree, OVERLAY)

    assert len(tree.reads) == len(set(tree.reads)) == 4


def test_folders_that_need_folders_without_an_end_are_refused() -> None:
    chain: dict[str, File] = {f"base/{n}/kustomization.yaml": f"resources: [../{n + 1}]\n" for n in range(2000)}

    assert "more than 50 deep" in str(refusal("resources: [../../../base/0]", chain))


INLINE_PATCH = "patchesStrategicMerge:\n- |-\n  kind: Deployment\n  metadata: {name: https://a/_git/b}\n"
INLINE_PLUGIN = (
    "transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: a}\n  path: x\n"
)


def test_a_patch_in_place_of_its_path_reaches_no_file() -> None:
    assert reached(INLINE_PATCH) == set()


def test_text_that_is_no_object_is_taken_for_a_path() -> None:
    assert "is not in the repository" in str(refusal("patchesStrategicMerge: ['{a: b}']"))
    assert "is not in the repository" in str(refusal("patchesStrategicMerge: ['{a: b']"))


@pytest.mark.parametrize(
    "fields",
    [
        "path: patch.yaml",
        "paths: [patch.yaml]",
        "files: [patch.yaml]",
        "envs: [patch.yaml]",
        "replacements: [{path: patch.yaml}]",
    ],
)
def test_files_of_transformers_are_relative_to_the_folder_that_lists_them(fields: str) -> None:
    plugin: dict[str, File] = {
        "common/kustomization.yaml": "resources: [one.yaml]\n",
        "common/one.yaml": f"apiVersion: builtin\nkind: Any\nmetadata: {{name: a}}\n{fields}\n---\n",
        f"{OVERLAY}/patch.yaml": "kind: Deployment\n",
    }

    assert reached("transformers: [../../../common]", plugin) == set(plugin)
    assert reached("generators: [../../../common/one.yaml]", plugin) == set(plugin) - {"common/kustomization.yaml"}


def test_files_of_a_transformer_in_place_are_reached() -> None:
    assert reached(INLINE_PLUGIN, {f"{OVERLAY}/x": ""}) == {f"{OVERLAY}/x"}


@pytest.mark.parametrize(
    "plugin",
    [
        "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata: {name: a}\n",
        "kind: NoVersion\nmetadata: {name: a, annotations: {config.kubernetes.io/function: 'exec: {path: ./x}'}}\n",
        "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: a}\n",
        "apiVersion: builtin\nmetadata: {name: a}\npath: https://evil.example/x\n",
        "- apiVersion: builtin\n",
    ],
)
def test_plugins_helm_and_remote_files_of_transformers_are_refused_where_they_stand(plugin: str) -> None:
    assert str(refusal("generators: [x]", {f"{OVERLAY}/x": plugin})).startswith(f"{OVERLAY}/x:")


def test_a_plugin_in_place_is_refused_like_one_in_a_file() -> None:
    assert "ImagePuller" in str(refusal(INLINE_PLUGIN.replace("builtin", "v1").replace("PatchTr", "ImagePuller")))
    assert "remote" in str(refusal(INLINE_PLUGIN.replace("path: x", "path: a/_git/b")))
    assert "remote" in str(refusal(INLINE_PLUGIN.replace("- |-\n", "- |-\n  https://evil.example/a/b: x\n")))


def test_a_folder_of_transformers_may_not_change_them_after_they_were_checked() -> None:
    error = refusal("transformers: [x]", {f"{OVERLAY}/x/kustomization.yaml": "resources: []\npatches: []\n"})

    assert str(error).startswith(f"{OVERLAY}/x/kustomization.yaml:2: ")
    assert "patches in a folder of generators or transformers" in error.message


REMOTE = [
    "https://evil.example/deployment.yaml",
    "HTTP://evil.example/x",
    "http:x",
    "github.com/acme/base//overlay?ref=v1",
    "www.github.com/acme/base",
    "GitHub.com:acme/base",
    "gh:acme/base",
    "git@git.example:acme/base.git",
    "org-7@git.example/acme",
    "git::https://git.example/acme/base",
    "ssh://git.example/acme/base",
    "file:///etc",
    "oci://registry.example/acme/base",
    " https://evil.example/x",
    "dev.example/acme/_git/base",
]


@pytest.mark.parametrize("remote", REMOTE)
@pytest.mark.parametrize(
    "text",
    [
        "resources: ['%s']",
        "Resources: ['%s']",
        "bases: ['%s']",
        "components: ['%s']",
        "transformers: ['%s']",
        "patches: [{path: '%s'}]",
        "configMapGenerator: [{name: a, files: ['a=%s']}]",
        "openapi: {path: '%s'}",
    ],
)
def test_whatever_kustomize_could_fetch_is_refused_even_if_a_folder_has_that_name(text: str, remote: str) -> None:
    error = refusal(f"namespace: a\n{text % remote}\n", {f"{OVERLAY}/{remote}/kustomization.yaml": "namespace: b\n"})

    assert str(error).startswith(f"{FILE}:2: cannot be rendered confined: the remote ")
    assert error.hint is not None
    assert "verify: parse" in error.hint


@pytest.mark.parametrize("key", ["helmCharts", "helmChartInflationGenerator", "HelmCharts"])
def test_helm_is_refused(key: str) -> None:
    assert "Helm is not run" in str(refusal(f"{key}: [{{name: a}}]"))
    assert reached(f"{key}: []\nhelmGlobals: {{chartHome: charts}}\n") == set()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("resources: [gone.yaml]", f"{FILE}:1: {OVERLAY}/gone.yaml is not in the repository"),
        ("components: [x/y]", f"{FILE}:1: {OVERLAY}/x/y is not in the repository"),
        ("resources:\n- ../../../../etc", f"{FILE}:2: ../../../../etc leads out of the repository"),
        ("resources: [/etc/passwd]", f"{FILE}:1: /etc/passwd leads out of the repository"),
        ("resources: [.]", f"{FILE}:1: {OVERLAY} is built again while it is being built, a cycle"),
        ("resources: [..]", f"{FILE}:1: overlays/test is built again while it is being built, a cycle"),
        ("resources: [../../..]", f"{FILE}:1: the root of the repository is built again while it is being"),
        ("resources: ['']", f"{FILE}:1: {OVERLAY} is built again"),
        ("crds: [..]", f"{FILE}:1: overlays/test is a folder, a file is needed"),
        ("components: [kustomization.yaml]", f"{FILE}:1: {FILE} is a file, a folder is needed"),
        ("resources: [../empty]", f"{FILE}:1: overlays/test/empty has no kustomization file"),
        ("resources: [a: b]", f"{FILE}:1: a plain text is needed here"),
        ("resources: [!!binary aHR0cHM6Ly9ldmlsLmV4YW1wbGU=]", f"{FILE}:1: a plain text is needed here"),
        ("x: &x a\nresources: [*x]", f"{FILE}:2: a plain text is needed here"),
        ("x: &x [a]\nresources: *x", f"{FILE}:2: resources must be a list"),
        ("resources: x", f"{FILE}:1: resources must be a list"),
        ("patches: [x]", f"{FILE}:1: path needs a mapping here"),
        ("patches: [{path: a, Path: b}]", f"{FILE}:1: it is not clear which path counts"),
        ("x: &x {path: a}\npatches: [{<<: *x}]", f"{FILE}:2: it is not clear which path counts"),
        ("resources: [", f"{FILE}:2: not readable as YAML"),
        ("resources: [a]\n---\nresources: [b]\n", f"{FILE}:3: not readable as YAML: several documents"),
        ("generators: [bad.yaml]", f"{OVERLAY}/bad.yaml:2: "),
        ("generators: [binary.yaml]", f"{OVERLAY}/binary.yaml: this is not UTF-8"),
        ("resources: [vendor/base]", f"{FILE}:1: {OVERLAY}/vendor is a submodule"),
        ("resources: [vendor]", f"{FILE}:1: {OVERLAY}/vendor is a submodule"),
        ("resources: [out]", f"{FILE}:1: out leads out of the repository"),
        ("resources: [absolute]", f"{FILE}:1: absolute leads out of the repository"),
        ("resources: [loop]", f"{FILE}:1: loop is a loop of links"),
        ("resources: [dangling]", f"{FILE}:1: {OVERLAY}/nowhere is not in the repository"),
    ],
)
def test_what_is_refused_is_named_with_its_place(text: str, reason: str) -> None:
    error = refusal(
        text,
        {
            "overlays/test/empty/readme.txt": "",
            f"{OVERLAY}/bad.yaml": "\n}",
            f"{OVERLAY}/binary.yaml": b"\xff\xfe",
            f"{OVERLAY}/vendor": Submodule(),
            f"{OVERLAY}/out": Link("../../../../../etc/passwd"),
            f"{OVERLAY}/absolute": Link("/etc/passwd"),
            f"{OVERLAY}/loop": Link("loop"),
            f"{OVERLAY}/dangling": Link("nowhere"),
        },
    )

    assert str(error).startswith(reason)


def test_an_empty_kustomization_reaches_nothing() -> None:
    assert reached("") == set()


def test_a_folder_with_two_kustomizations_is_refused() -> None:
    assert "has kustomization.yaml and Kustomization, only one" in str(refusal("", {f"{OVERLAY}/Kustomization": ""}))


def test_an_overlay_that_is_not_there_is_refused() -> None:
    with pytest.raises(RenderError, match="overlays/gone is not in the repository"):
        reach(MemoryTree({}), "overlays/gone")


def test_a_base_that_needs_the_overlay_is_a_cycle() -> None:
    base: dict[str, File] = {"base/kustomization.yaml": "resources: [../overlays/test/model-a]\n"}

    assert str(refusal("resources: [../../../base]", base)).startswith("base/kustomization.yaml:1: ")


def test_links_inside_the_repository_are_reached_with_what_they_mean() -> None:
    links: dict[str, File] = {
        "overlays/base": Link("../base"),
        f"{OVERLAY}/patch.yaml": Link("../shared/./patch.yaml"),
        "overlays/test/shared/patch.yaml": "kind: Deployment\n",
    }
    text = "resources: [../../base/model-a]\npatches: [{path: patch.yaml}]\n"

    assert reached(text, {**BASE, **links}) == {*BASE, *links}


def test_an_overlay_at_the_root_of_the_repository_can_be_reached() -> None:
    tree = MemoryTree({"kustomization.yaml": "resources: [base]\n", "base/Kustomization": "namespace: a\n"})

    assert set(reach(tree, "")) == {"kustomization.yaml", "base/Kustomization"}


def test_an_overlay_that_needs_too_many_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closure, "MAX_FILES", 2)

    assert "more than 2 files" in str(refusal("resources: [../../../base/model-a]", dict(BASE)))
