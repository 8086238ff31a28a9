"""The real kustomize, confined: what gets in, what gets out, and how it is stopped."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import processes
from tests.helpers.kustomizes import all_kustomizes, oldest_and_newest, script
from updater.adapters import kustomize as adapter
from updater.adapters.kustomize import Kustomize, find
from updater.errors import RenderError, RendererUnavailable, UsageError

Pick = Callable[[], Kustomize]

CONFIG_MAP = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
OVERLAY = {"overlay/kustomization.yaml": b"resources: [../base]\nnamePrefix: x-\n"}
BASE = {"base/kustomization.yaml": b"resources: [a.yaml]\n", "base/a.yaml": CONFIG_MAP}


@oldest_and_newest
def test_the_rendering_is_what_kustomize_prints(pick: Pick) -> None:
    rendered = pick().render({**OVERLAY, **BASE}, {}, "overlay")

    assert rendered == CONFIG_MAP.replace(b"name: a", b"name: x-a")


@oldest_and_newest
def test_an_overlay_at_the_root_can_be_rendered(pick: Pick) -> None:
    assert pick().render({"Kustomization": b"resources: [a.yaml]\n", "a.yaml": CONFIG_MAP}, {}, "") == CONFIG_MAP


@oldest_and_newest
def test_links_are_there_for_kustomize_to_follow(pick: Pick) -> None:
    files = {f"shared/{path}": content for path, content in BASE.items()}

    assert pick().render({**OVERLAY, **files}, {"base": "shared/base"}, "overlay").endswith(b"name: x-a\n")


@oldest_and_newest
def test_deprecated_fields_render_although_kustomize_warns_of_them(pick: Pick) -> None:
    files = {**BASE, "overlay/kustomization.yaml": b"bases: [../base]\n"}

    assert pick().render(files, {}, "overlay") == CONFIG_MAP


@oldest_and_newest
def test_nothing_of_our_environment_gets_into_a_rendering(pick: Pick, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "leaked-value")
    files = {
        "o/kustomization.yaml": b"configMapGenerator: [{name: a, envs: [a.env]}]\n",
        "o/a.env": b"SECRET_TOKEN\nHOME\nPATH\nOTHER=1\n",
    }

    rendered = pick().render(files, {}, "o")

    assert b'OTHER: "1"' in rendered
    assert b"leaked-value" not in rendered
    assert os.environ["PATH"].encode() not in rendered
    assert os.environ["HOME"].encode() not in rendered


@oldest_and_newest
def test_two_renderings_of_the_same_files_are_equal(pick: Pick) -> None:
    files = {
        "o/kustomization.yaml": b"configMapGenerator: [{name: a, envs: [a.env]}]\nbuildMetadata: [originAnnotations]\n",
        "o/a.env": b"A=1\n",
    }
    kustomize = pick()

    assert kustomize.render(files, {}, "o") == kustomize.render(files, {}, "o")


@oldest_and_newest
@pytest.mark.parametrize("remote", ["http://192.0.2.1/a.yaml", "https://192.0.2.1/acme/base"])
def test_there_is_no_way_out_even_for_what_was_not_refused_before(pick: Pick, remote: str) -> None:
    with pytest.raises(RenderError, match="127.0.0.1:0|git"):
        pick().render({"o/kustomization.yaml": f"resources: ['{remote}']\n".encode()}, {}, "o")


@oldest_and_newest
def test_a_complaint_is_one_line_that_names_files_as_the_repository_does(pick: Pick) -> None:
    with pytest.raises(RenderError) as caught:
        pick().render({**OVERLAY, "base/kustomization.yaml": b"resources: [gone.yaml]\n"}, {}, "overlay")

    assert caught.value.message.startswith("kustomize: ")
    assert "gone.yaml" in caught.value.message
    assert "updater-render" not in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("path", ["../a", "/a", "../../b", "a\0b"])
def test_no_file_folder_or_link_leaves_the_scratch_folder(path: str) -> None:
    kustomize = Kustomize("never-run")

    for arguments in [({path: b""}, {}, ""), ({}, {path: "a"}, ""), ({}, {"a": path}, ""), ({}, {}, path)]:
        with pytest.raises(RenderError, match="leads out of the repository"):
            kustomize.render(*arguments)


def test_nothing_stays_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    program = script(tmp_path, "pwd; exec /bin/ls -ld ..")

    home, folder = Kustomize(program).render({"a/b": b""}, {"c": "a"}, "a").decode().splitlines()

    assert home.startswith(f"{tmp_path}/updater-render-")
    assert folder.startswith("drwx------")
    assert [path.name for path in tmp_path.iterdir()] == ["kustomize"]


def test_every_version_found_here_tells_itself_and_its_binary_apart() -> None:
    versions = [kustomize.version for kustomize in all_kustomizes()]

    assert len(set(versions)) == len(versions)


def test_a_kustomize_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    # The child writes its process id, and would keep our pipe open for long.
    program = script(tmp_path, f"/bin/sleep 600 & echo $! > {tmp_path}/child; wait")

    with pytest.raises(RendererUnavailable, match="did not end within 2 s"):
        Kustomize(program, seconds=2).render({}, {}, "")

    assert processes.ends(int((tmp_path / "child").read_text()))


def test_a_kustomize_that_closes_its_output_and_stays_is_killed(tmp_path: Path) -> None:
    with pytest.raises(RendererUnavailable, match="did not end within"):
        Kustomize(script(tmp_path, "exec >&- 2>&-; exec /bin/sleep 600"), seconds=0.5).render({}, {}, "")


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_kustomize_that_prints_endlessly_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    monkeypatch.setattr(adapter, "MAX_OUTPUT", 100_000)

    with pytest.raises(RenderError, match="printed more than 100000 bytes"):
        Kustomize(script(tmp_path, f"while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy >&{stream}; done")).render(
            {}, {}, ""
        )


def test_a_long_complaint_is_cut_and_has_no_control_characters(tmp_path: Path) -> None:
    body = r"printf '# Warning: old\nError: \033[31mred\n'; printf '%01000d' 0; exit 1"

    with pytest.raises(RenderError) as caught:
        Kustomize(script(tmp_path, f"{{ {body}; }} >&2")).render({}, {}, "")

    assert caught.value.message.startswith("kustomize: [31mred 000")
    assert len(caught.value.message) < 650


def test_a_kustomize_that_fails_without_a_word_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="kustomize: ended with code 3"):
        Kustomize(script(tmp_path, "exit 3")).render({}, {}, "")


def test_a_kustomize_that_is_killed_says_nothing_of_what_it_was_to_render(tmp_path: Path) -> None:
    with pytest.raises(RendererUnavailable, match="ended by signal 9"):
        Kustomize(script(tmp_path, "kill -9 $$")).render({}, {}, "")


def test_a_program_that_cannot_be_started_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "kustomize").write_bytes(b"\0 no program")
    (tmp_path / "kustomize").chmod(0o755)

    with pytest.raises(RendererUnavailable, match="cannot be started") as caught:
        Kustomize(str(tmp_path / "kustomize")).version  # noqa: B018
    assert "verify: parse" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("v4.4.1", "too old"), ("v3.10.0", "too old"), ("unknown", "does not tell its kustomize version")],
)
def test_a_kustomize_of_an_old_or_unknown_version_is_refused(tmp_path: Path, answer: str, reason: str) -> None:
    program = tmp_path / "kustomize"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)

    with pytest.raises(RenderError, match=reason) as caught:
        Kustomize(str(program)).version  # noqa: B018
    assert "4.5 or later" in str(caught.value.hint)


def test_the_version_of_kubectl_itself_is_not_taken_for_that_of_its_kustomize(tmp_path: Path) -> None:
    program = tmp_path / "kubectl"
    program.write_text('#!/bin/sh\necho \'{"gitVersion": "v1.20.2", "kustomizeVersion": "v5.1.0"}\'\n')
    program.chmod(0o755)

    assert Kustomize(str(program), is_kubectl=True).version.startswith("kustomize v5.1.0 ")

    program.write_text('#!/bin/sh\necho \'{"gitVersion": "v5.20.2"}\'\n')
    with pytest.raises(RenderError, match="does not tell"):
        Kustomize(str(program), is_kubectl=True).version  # noqa: B018


def test_the_version_is_asked_once(tmp_path: Path) -> None:
    kustomize = Kustomize(script(tmp_path, "exit 1"))
    first = kustomize.version
    (tmp_path / "kustomize").unlink()

    assert kustomize.version == first


ECHO = 'echo "${0##*/} $1"'


def rendered_by(kustomize: Kustomize) -> str:
    return kustomize.render({}, {}, "").decode().strip()


def test_kustomize_comes_before_kubectl_on_the_path(tmp_path: Path) -> None:
    script(tmp_path, ECHO, "kubectl")
    with_kubectl_alone = rendered_by(find({"PATH": str(tmp_path)}))
    script(tmp_path, ECHO, "kustomize")
    with_both = rendered_by(find({"PATH": str(tmp_path)}))

    assert (with_kubectl_alone, with_both) == ("kubectl kustomize", "kustomize build")


def test_one_that_is_too_old_is_passed_over_where_there_is_another(tmp_path: Path) -> None:
    path = {"PATH": str(tmp_path)}
    script(tmp_path, ECHO, "kustomize", "v3.8.1")
    with pytest.raises(RenderError, match="too old"):
        assert find(path).version
    script(tmp_path, ECHO, "kubectl", '{"kustomizeVersion": "v5.0.1"}')
    assert find(path).version.startswith("kustomize v5.0.1 ")


@pytest.mark.parametrize(
    ("name", "words", "subcommand"),
    [
        ("my kustomize", "", "build"),
        ("kustomize-4", "build", "build"),
        ("kubectl.1.30", "", "kustomize"),
        ("kubectl", "kustomize", "kustomize"),
        ("oc", "kustomize", "kustomize"),
    ],
)
def test_the_setting_may_be_a_path_or_a_command(tmp_path: Path, name: str, words: str, subcommand: str) -> None:
    path = script(tmp_path, "echo $1", name)
    setting = f"{shlex.quote(path)} {words}" if words else path

    assert rendered_by(find({"UPDATER_KUSTOMIZE": setting, "PATH": "/nowhere"})) == subcommand


@pytest.mark.parametrize("setting", ["/nowhere/kustomize", "nowhere build", "sh -c", "sh build --enable-helm", "' '"])
def test_a_setting_that_names_no_kustomize_is_a_usage_error(setting: str) -> None:
    with pytest.raises(UsageError, match="UPDATER_KUSTOMIZE") as caught:
        find({"UPDATER_KUSTOMIZE": setting, "PATH": "/bin"})
    assert "verify: parse" in str(caught.value.hint)


def test_without_any_kustomize_the_error_says_what_to_install() -> None:
    with pytest.raises(RenderError, match="neither kustomize nor kubectl") as caught:
        find({"PATH": "/nowhere"})
    assert "install kustomize 4.5 or later" in str(caught.value.hint)
