"""Overlays that try to fool the verification, on the real kustomize."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.helpers.kustomizes import Counting, all_kustomizes, oldest
from tests.helpers.trees import File, Link, MemoryTree
from updater.adapters.kustomize import Kustomize
from updater.core.edit import EntryEdit, bump
from updater.core.kustomization import entries
from updater.core.rendering import PlannedBump
from updater.core.verification import PlannedEdit, verify
from updater.errors import RenderError
from updater.model import Version

FOLDER = "overlays/test/model-a"
PATH = f"{FOLDER}/kustomization.yaml"
DIGESTS = [f"sha256:{digit * 64}" for digit in "abc"]
IMAGE = "reg.example/models/model-a"
ENTRY = f"images:\n- name: model-a\n  newName: {IMAGE}\n  newTag: 1.2.3\n"

BASE: Mapping[str, File] = {
    "base/kustomization.yaml": "resources: [deployment.yaml]\n",
    "base/deployment.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: model-a
  labels: {version: none}
spec:
  selector: {matchLabels: {app: model-a}}
  template:
    metadata:
      labels: {app: model-a}
    spec:
      initContainers:
      - {name: prepare, image: 'model-a:base'}
      containers:
      - {name: main, image: model-a}
      - {name: sidecar, image: 'reg.example/other/sidecar:0.1.0'}
""",
}


@dataclass(frozen=True)
class Case:
    """An overlay, what it is bumped to one after the other, how often each renders (None: the last one is refused)."""

    overlay: str
    versions: tuple[Version, ...]
    renders: tuple[int, ...]
    refusal: str | None = None
    files: Mapping[str, File] = field(default_factory=dict)


def play(case: Case, kustomize: Kustomize) -> None:
    renderer, memo, content = Counting(kustomize), set[str](), case.overlay.encode()
    tree = MemoryTree({**BASE, **case.files, PATH: content})
    rendered, refusal = [], None
    for to in case.versions:
        entry = entries(PATH, content)[0]
        after = bump(PATH, content, [EntryEdit(entry.list, entry.index, to)])
        renderer.count = 0
        try:
            verify(tree, PlannedEdit(PATH, content, after, (PlannedBump(entry, to),)), renderer, memo)
            content = after
        except RenderError as error:
            refusal = str(error)
        rendered.append(renderer.count)
    assert tuple(rendered) == case.renders, kustomize.version
    if case.refusal is None:
        assert refusal is None, kustomize.version
    else:
        assert case.refusal in str(refusal), kustomize.version


def overlay(more: str = "", entry: str = ENTRY) -> str:
    return f"resources:\n- ../../../base\n{entry}{more}"


TWO_TAGS = (Version("1.2.4"), Version("2.0.0-rc.1_x"))
DEPLOYMENT = "{kind: Deployment, name: model-a}"


def replacement(target: str, options: str = "") -> str:
    """Copies (a part of) the image of the main container to another place."""
    source = "spec.template.spec.containers.[name=main].image"
    return (
        f"replacements:\n- source: {{kind: Deployment, name: model-a, fieldPath: '{source}', {options}}}\n"
        f"  targets:\n  - select: {DEPLOYMENT}\n    fieldPaths: ['{target}']\n"
    )


SIDECAR = "spec.template.spec.containers.[name=sidecar].image"
TAG_OF = "options: {delimiter: ':', index: 1}"


def in_place_of_the_tag(target: str) -> str:
    return replacement(target, TAG_OF) + "    options: {delimiter: ':', index: 1}\n"


CASES = {
    "a tag": Case(overlay(), (*TWO_TAGS, Version("1.2.4")), (4, 0, 0)),
    "tags that read as numbers": Case(overlay(), (Version("1.10"), Version("0574"), Version("1e3")), (4, 0, 0)),
    "a digest that appears and changes": Case(
        overlay(), (Version("1.2.4", DIGESTS[0]), Version("1.2.5", DIGESTS[1]), Version("1.2.6", DIGESTS[1])), (4, 0, 0)
    ),
    "a digest alone": Case(
        overlay(entry=ENTRY.replace("newTag: 1.2.3", f"digest: {DIGESTS[0]}")),
        (Version(None, DIGESTS[1]), Version(None, DIGESTS[2])),
        (4, 0),
    ),
    "an entry without a version": Case(overlay(entry=ENTRY.replace("  newTag: 1.2.3\n", "")), TWO_TAGS, (4, 0)),
    "the older list": Case(overlay(entry=ENTRY.replace("images", "imageTags")), TWO_TAGS, (4, 0)),
    "a number that stands unquoted": Case(
        overlay(entry=ENTRY.replace("1.2.3", "1.10")), TWO_TAGS[:1], (1,), f"{PATH}: kustomize: "
    ),
    "an entry that matches no container": Case(
        overlay(entry=ENTRY.replace("name: model-a", "name: model-x")),
        TWO_TAGS,
        (2, 2),
        f"{PATH}:4: the entry model-x (line 4) matches no container",
    ),
    "a tag copied to another image": Case(
        overlay(in_place_of_the_tag(SIDECAR)),
        TWO_TAGS,
        (2, 2),
        "containers.1.image of Deployment/model-a changes from 'reg.example/other/sidecar:1.2.3' to "
        "'reg.example/other/sidecar:2.0.0-rc.1_x', which is not planned",
    ),
    "the whole image copied to another container": Case(overlay(replacement(SIDECAR)), TWO_TAGS, (4, 0)),
    "a tag copied to a label": Case(overlay(replacement("metadata.labels.version", TAG_OF)), TWO_TAGS, (2, 2)),
    "a piece of a tag that these tags do not change": Case(
        overlay(replacement("metadata.labels.version", "options: {delimiter: '.', index: 2}")),
        (Version("1.2.3-a"), Version("1.2.3-b")),
        (4, 4),
    ),
    "a piece that was the whole tag until now": Case(
        overlay(replacement("metadata.labels.version", "options: {delimiter: '_', index: 0}")),
        TWO_TAGS,
        (4, 2),
        f"metadata.labels.version of Deployment/model-a changes from '{IMAGE}:1.2.4' to '{IMAGE}:2.0.0-rc.1', which",
    ),
    "a generator that reads the kustomization itself": Case(
        overlay("configMapGenerator:\n- name: self\n  files: [kustomization.yaml]\n"), TWO_TAGS, (2, 2)
    ),
    "a generator that reads it through a link": Case(
        overlay("configMapGenerator:\n- name: self\n  files: [self.txt]\n"),
        TWO_TAGS,
        (2, 2),
        files={f"{FOLDER}/self.txt": Link("kustomization.yaml")},
    ),
    "a generator that reads something else": Case(
        overlay("configMapGenerator:\n- name: settings\n  envs: [settings.env]\n"),
        TWO_TAGS,
        (4, 0),
        files={f"{FOLDER}/settings.env": "A=1\n"},
    ),
    "a patch by the image's text": Case(
        overlay(
            "transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: a}\n"
            f"  target: {DEPLOYMENT}\n  patch: |-\n    - op: test\n"
            "      path: /spec/template/spec/containers/0/name\n      value: main\n"
        ),
        TWO_TAGS,
        (2, 2),
    ),
    "a transformer after the images": Case(
        overlay(
            "transformers:\n- |-\n  apiVersion: builtin\n  kind: ImageTagTransformer\n  metadata: {name: a}\n"
            f"  imageTag: {{name: {IMAGE}, newTag: pinned}}\n"
        ),
        TWO_TAGS[:1],
        (2,),
        "matches no container",
    ),
    "an image in a custom resource": Case(
        overlay("configurations: [images.yaml]\n").replace("- ../../../base", "- custom.yaml"),
        TWO_TAGS,
        (4, 0),
        files={
            f"{FOLDER}/images.yaml": "images:\n- {path: spec/runtime, kind: Model}\n",
            f"{FOLDER}/custom.yaml": "apiVersion: x.example/v1\nkind: Model\n"
            "metadata: {name: m}\nspec: {runtime: model-a}\n",
        },
    ),
    "a component and a link": Case(
        overlay("components: [../../shared]\n").replace("../../../base", "../../linked"),
        TWO_TAGS,
        (4, 0),
        files={
            "overlays/linked": Link("../base"),
            "overlays/shared/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
            "patches: [{path: patch.yaml}]\n",
            "overlays/shared/patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: model-a}\n"
            "spec: {replicas: 2}\n",
        },
    ),
    "a second kustomization": Case(
        overlay(), TWO_TAGS, (0, 0), "only one may be there", files={f"{FOLDER}/Kustomization": "namespace: a\n"}
    ),
    "a remote base": Case(
        overlay(entry=f"- https://127.0.0.1:9/acme/base?ref=v1\n{ENTRY}"), TWO_TAGS, (0, 0), f"{PATH}:3: cannot be"
    ),
    "a base that is not there": Case(overlay(entry=f"- ../../gone\n{ENTRY}"), TWO_TAGS, (0, 0), f"{PATH}:3: overlays"),
    "Helm": Case(overlay("helmCharts: [{name: a}]\n"), TWO_TAGS, (0, 0), "Helm is not run"),
    "a link out of the repository": Case(
        overlay("configMapGenerator: [{name: a, files: [passwd]}]\n"),
        TWO_TAGS,
        (0, 0),
        "passwd leads out of the repository",
        files={f"{FOLDER}/passwd": Link("/etc/passwd")},
    ),
    "a file outside of the overlay": Case(
        overlay("configMapGenerator: [{name: a, files: [../../../base/deployment.yaml]}]\n"),
        TWO_TAGS[:1],
        (1,),
        "security",
    ),
}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every_case
def test_a_bump_is_verified(case: Case) -> None:
    play(case, oldest())


@pytest.mark.slow
@every_case
def test_a_bump_is_verified_alike_by_every_later_version(case: Case) -> None:
    for kustomize in all_kustomizes()[1:]:
        play(case, kustomize)
