"""When an overlay is rendered, what is remembered, and what is never remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from tests.helpers.trees import File, Link, MemoryTree
from updater.core import verification
from updater.core.edit import EntryEdit, bump
from updater.core.kustomization import entries
from updater.core.rendering import PlannedBump
from updater.core.verification import PlannedEdit, prove, renderings, verify
from updater.errors import EditRefused, RenderError
from updater.model import Version
from updater.protocols import Tree

FOLDER = "overlays/test/model-a"
PATH = f"{FOLDER}/kustomization.yaml"
OVERLAY = "resources: [../../../base]\nimages:\n- name: reg.example/a\n  newTag: 1.2.3\n"
BASE: dict[str, File] = {
    "base/kustomization.yaml": "resources: [deployment.yaml]\n",
    "base/deployment.yaml": "kind: Deployment\nmetadata: {name: a}\n",
}
DIGESTS = [f"sha256:{digit * 64}" for digit in "abc"]

Print = Callable[[Mapping[str, Version]], str]


def containers(versions: Mapping[str, Version]) -> str:
    """What a faithful renderer prints: one container for each entry."""
    images = "".join(f"- image: {name}:{version}\n".replace(":@", "@") for name, version in versions.items())
    return f"kind: Deployment\nmetadata: {{name: a}}\ncontainers:\n{images}"


class Printer:
    """A renderer that prints what a function makes of the overlay's entries, and keeps what it was given."""

    def __init__(self, printed: Print = containers, version: str = "printer 1") -> None:
        self.version = version
        self.given: list[tuple[Mapping[str, bytes], Mapping[str, str], str]] = []
        self._printed = printed

    def render(self, files: Mapping[str, bytes], links: Mapping[str, str], folder: str) -> bytes:
        self.given.append((files, links, folder))
        return self._printed({entry.name: entry.version for entry in entries(PATH, files[PATH])}).encode()


class Checker:
    """One overlay with its memo and renderer, bumped again and again."""

    def __init__(self, overlay: str = OVERLAY, base: Mapping[str, File] = BASE, printed: Print = containers) -> None:
        self.content = overlay.encode()
        self.files = dict(base)
        self.renderer = Printer(printed)
        self.memo: set[str] = set()

    def bump(self, *versions: Version, commit: bool = True) -> int:
        """Bumps the first entries to these versions; how often that rendered."""
        pairs = list(zip(entries(PATH, self.content), versions, strict=False))
        after = bump(PATH, self.content, [EntryEdit(entry.list, entry.index, to) for entry, to in pairs])
        edit = PlannedEdit(PATH, self.content, after, tuple(PlannedBump(*pair) for pair in pairs))
        earlier = len(self.renderer.given)
        verify(self.tree, edit, self.renderer, self.memo)
        self.content = after if commit else self.content
        return len(self.renderer.given) - earlier

    @property
    def tree(self) -> Tree:
        return MemoryTree({PATH: "stale: true\n", **self.files})


def test_the_second_bump_of_a_shape_renders_nothing() -> None:
    checker = Checker()

    assert checker.bump(Version("1.2.4")) == 4
    assert checker.bump(Version("2.0.0-rc.1")) == 0
    assert checker.bump(Version("1.2.4")) == 0


def test_the_renderer_gets_just_the_files_and_links_that_the_overlay_reaches() -> None:
    checker = Checker(base={**BASE, "elsewhere": "", "overlays/base": Link("../base")})
    checker.content = checker.content.replace(b"../../../base", b"../../base")

    checker.bump(Version("1.2.4"))

    files, links, folder = checker.renderer.given[1]
    assert files == {PATH: checker.content, **{path: text.encode() for path, text in BASE.items()}}  # type: ignore[union-attr]
    assert (links, folder) == ({"overlays/base": "../base"}, FOLDER)


def test_a_digest_that_appears_is_another_shape() -> None:
    checker = Checker()
    checker.bump(Version("1.2.4"))

    assert checker.bump(Version("1.2.5", DIGESTS[0])) == 4
    assert checker.bump(Version("1.2.6", DIGESTS[1])) == 0


def test_a_tag_that_needs_quotes_is_another_shape() -> None:
    checker = Checker()
    checker.bump(Version("1.2.4"))

    assert checker.bump(Version("1.10")) == 4
    assert checker.bump(Version("1.11")) == 0


def test_a_step_from_one_remembered_shape_to_another_is_rendered_but_not_proved_again() -> None:
    checker = Checker()
    checker.bump(Version("1.2.4"))
    checker.bump(Version("1.2.5", DIGESTS[0]))
    checker.content = OVERLAY.encode()

    assert checker.bump(Version("1.2.6", DIGESTS[1])) == 2
    assert len(checker.memo) == 2


def test_an_edit_that_does_not_write_what_is_planned_is_found_although_its_shape_is_remembered() -> None:
    checker = Checker()
    checker.bump(Version("1.2.4"))
    entry = entries(PATH, checker.content)[0]
    edit = edit_of(checker.content.replace(b"1.2.4", b"6.6.6"), checker.content)

    with pytest.raises(RenderError, match=r"changes from 'reg.example/a:1.2.4' to 'reg.example/a:6.6.6'"):
        verify(
            checker.tree, replace(edit, bumps=(PlannedBump(entry, Version("1.2.5")),)), checker.renderer, checker.memo
        )


def changed_base(checker: Checker) -> None:
    checker.files["base/deployment.yaml"] = "kind: Deployment\nmetadata: {name: b}\n"


def changed_renderer(checker: Checker) -> None:
    checker.renderer = Printer(version="printer 2")


def changed_text(checker: Checker) -> None:
    checker.content += b"namespace: a\n"


def linked_base(checker: Checker) -> None:
    checker.files["base/other.yaml"] = checker.files["base/deployment.yaml"]
    checker.files["base/deployment.yaml"] = Link("other.yaml")


@pytest.mark.parametrize("change", [changed_base, changed_renderer, changed_text, linked_base])
def test_anything_else_that_changes_is_rendered_anew(change: Callable[[Checker], None]) -> None:
    checker = Checker()
    checker.bump(Version("1.2.4"))
    change(checker)

    assert checker.bump(Version("1.2.5")) == 4


def test_a_link_is_no_file_with_its_target_in_it() -> None:
    checker = Checker(base={**BASE, "base/other.yaml": "deployment.yaml"})
    checker.files["base/kustomization.yaml"] = "resources: [deployment.yaml, other.yaml]\n"
    checker.bump(Version("1.2.4"))
    checker.files["base/other.yaml"] = Link("deployment.yaml")

    assert checker.bump(Version("1.2.5")) == 4


def test_another_format_of_the_memo_forgets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    checker = Checker()
    checker.bump(Version("1.2.4"))
    monkeypatch.setattr(verification, "FORMAT", "another")

    assert checker.bump(Version("1.2.5")) == 4


def test_a_file_that_the_overlay_does_not_reach_changes_nothing() -> None:
    checker = Checker()
    checker.bump(Version("1.2.4"))
    checker.files["base/unused.yaml"] = "a: b\n"

    assert checker.bump(Version("1.2.5")) == 0


def labelled(versions: Mapping[str, Version]) -> str:
    """Copies the last part of the tag into a label."""
    return f"{containers(versions)}version: {str(versions['reg.example/a'].tag).split('.')[-1]}\n"


def test_a_copy_of_the_tag_elsewhere_is_allowed_and_not_remembered() -> None:
    checker = Checker(printed=labelled)

    assert checker.bump(Version("1.2.4")) == 2
    assert checker.bump(Version("1.2.5")) == 2


def test_a_copy_that_these_two_tags_do_not_show_is_found_by_the_sentinels() -> None:
    checker = Checker(printed=labelled)

    assert checker.bump(Version("1.3.3")) == 4
    assert checker.memo == set()


def stealing(versions: Mapping[str, Version]) -> str:
    """Gives the tag of the first entry to the second one."""
    tag = versions["reg.example/a"].tag
    return containers({**versions, "reg.example/b": Version(tag)})


TWO = f"{OVERLAY}- name: reg.example/b\n  newTag: 1.2.3\n"


def test_a_tag_that_changes_another_image_is_refused_with_file_line_and_hint() -> None:
    with pytest.raises(RenderError) as caught:
        Checker(TWO, printed=stealing).bump(Version("1.2.4"))

    assert str(caught.value) == (
        f"{PATH}:3: containers.1.image of Deployment/a changes from 'reg.example/b:1.2.3' to 'reg.example/b:1.2.4', "
        "which is not planned"
    )
    assert "verify: parse" in str(caught.value.hint)


def test_two_images_that_happen_to_get_the_same_tag_do_not_hide_that_one_follows_the_other() -> None:
    checker = Checker(TWO, printed=stealing)

    assert checker.bump(Version("1.2.4"), Version("1.2.4")) == 4
    assert checker.memo == set()


def test_several_bumps_of_one_overlay_are_remembered_together() -> None:
    checker = Checker(TWO)

    assert checker.bump(Version("1.2.4"), Version("2.0.0")) == 4
    assert checker.bump(Version("1.2.5"), Version("2.0.1")) == 0


def test_an_entry_that_matches_no_container_is_refused() -> None:
    with pytest.raises(RenderError, match="the entry reg.example/a .line 3. matches no container"):
        Checker(printed=lambda _: "kind: Deployment\n").bump(Version("1.2.4"))


def test_a_refused_bump_is_not_remembered() -> None:
    checker = Checker(TWO, printed=stealing)
    for _ in range(2):
        with pytest.raises(RenderError):
            checker.bump(Version("1.2.4"))

    assert checker.memo == set()
    assert len(checker.renderer.given) == 4


def no_letters(versions: Mapping[str, Version]) -> str:
    """A renderer that fails for everything but these tags."""
    if not str(versions["reg.example/a"].tag).startswith("1."):
        raise RenderError("kustomize: no such tag", hint="look")
    return containers(versions)


def test_where_sentinels_cannot_be_rendered_nothing_is_remembered() -> None:
    checker = Checker(printed=no_letters)

    assert checker.bump(Version("1.2.4")) == 3
    assert checker.memo == set()


def test_a_failing_renderer_refuses_the_bump_with_the_file() -> None:
    with pytest.raises(RenderError) as caught:
        Checker(printed=no_letters).bump(Version("2.0.0"))

    assert str(caught.value) == f"{PATH}: kustomize: no such tag"
    assert caught.value.hint == "look"


@pytest.mark.parametrize(
    "text",
    [
        "fieldPaths: ['spec.containers.[image=reg.example/a:1.2.4].name']",
        "- op: test\n  path: /image\n",
        '{"op" : "test"}',
        "x-kubernetes-patch-merge-key: image",
        "images:\n- name: 'reg.example/a:1[.]3.*'\n",
    ],
)
def test_an_overlay_that_compares_images_is_rendered_every_time(text: str) -> None:
    checker = Checker(base={**BASE, "base/deployment.yaml": text})

    assert checker.bump(Version("1.2.4")) == 2
    assert checker.memo == set()


def test_a_value_that_cannot_be_taken_out_is_rendered_every_time() -> None:
    checker = Checker(OVERLAY.replace("1.2.3", "&tag 1.2.3"))

    assert checker.bump(Version("1.2.4")) == 2
    assert checker.bump(Version("1.2.5")) == 2
    assert checker.memo == set()


def test_an_overlay_that_needs_too_many_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "MAX_BYTES", 50)

    with pytest.raises(RenderError, match="more than 50 bytes"):
        Checker().bump(Version("1.2.4"))


def edit_of(after: bytes, before: bytes = OVERLAY.encode(), path: str = PATH) -> PlannedEdit:
    return PlannedEdit(path, before, after, ())


def test_an_edit_of_more_than_versions_is_refused() -> None:
    with pytest.raises(RenderError, match="changes which files the overlay needs"):
        verify(Checker().tree, edit_of(b"resources: []\n"), Printer(), set())


def test_an_edit_that_lets_kustomize_fetch_something_never_reaches_the_renderer() -> None:
    renderer = Printer()
    after = OVERLAY.replace("../../../base", "https://evil.example/base").encode()

    for before in (OVERLAY.encode(), after):
        with pytest.raises(RenderError, match="the remote"):
            verify(Checker().tree, edit_of(after, before), renderer, set())
    assert renderer.given == []


def test_a_file_that_is_no_kustomization_of_the_folder_is_refused() -> None:
    edit = edit_of(b"", b"", f"{FOLDER}/images.yaml")

    with pytest.raises(RenderError, match="does not read this file"):
        verify(MemoryTree({PATH: "namespace: a\n", f"{FOLDER}/images.yaml": ""}), edit, Printer(), set())


def test_an_overlay_at_the_root_is_verified_like_any_other() -> None:
    edit = PlannedEdit("kustomization.yaml", b"namespace: a\n", b"namespace: a\n", ())

    verify(MemoryTree({}), edit, Rooted(), set())


class Rooted:
    version = "rooted"

    def render(self, files: Mapping[str, bytes], links: Mapping[str, str], folder: str) -> bytes:
        assert (list(files), folder) == (["kustomization.yaml"], "")
        return b""


def test_an_edit_without_bumps_that_changes_an_image_is_refused_without_a_line() -> None:
    checker = Checker()
    edit = edit_of(bump(PATH, checker.content, [EntryEdit("images", 0, Version("2"))]))

    with pytest.raises(RenderError) as caught:
        verify(checker.tree, edit, checker.renderer, checker.memo)

    assert str(caught.value).startswith(f"{PATH}: containers.0.image")


def test_a_kustomization_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(EditRefused):
        verify(Checker().tree, edit_of(b"images: ["), Printer(), set())


def test_one_edit_is_proved_without_sentinels() -> None:
    checker = Checker()
    entry = entries(PATH, checker.content)[0]
    edit = edit_of(checker.content.replace(b"1.2.3", b"1.2.4"), checker.content)

    prove(checker.tree, replace(edit, bumps=(PlannedBump(entry, Version("1.2.4")),)), checker.renderer)

    assert len(checker.renderer.given) == 2
    with pytest.raises(RenderError, match="which is not planned"):
        prove(checker.tree, replace(edit, bumps=(PlannedBump(entry, Version("1.2.5")),)), checker.renderer)


# Renderings to be shown


class Copier:
    """A renderer that prints all that it is given, and where."""

    version = "copier"

    def render(self, files: Mapping[str, bytes], links: Mapping[str, str], folder: str) -> bytes:
        return repr((folder, sorted(files.items()), sorted(links.items()))).encode()


def test_an_overlay_is_rendered_before_and_after_all_files_that_change() -> None:
    tree = MemoryTree({PATH: OVERLAY, **BASE, "base/unused.yaml": "a: b\n", "base/more.yaml": "c: d\n"})
    files = {
        PATH: OVERLAY.replace("1.2.3", "1.2.4").encode(),
        "base/kustomization.yaml": b"resources: [deployment.yaml, more.yaml]\n",
        "overlays/test/other/kustomization.yaml": b"",
    }

    before, after = renderings(tree, files, FOLDER, Copier())

    base = {path: str(text).encode() for path, text in BASE.items()}
    assert before == Copier().render({**base, PATH: OVERLAY.encode()}, {}, FOLDER)
    changed = {**base, **files, "base/more.yaml": b"c: d\n"}
    del changed["overlays/test/other/kustomization.yaml"]
    assert after == Copier().render(changed, {}, FOLDER)


def test_links_on_the_way_are_given_to_the_renderer() -> None:
    tree = MemoryTree({PATH: OVERLAY.replace("../../../base", "../../base"), **BASE, "overlays/base": Link("../base")})

    before, after = renderings(tree, {}, FOLDER, Copier())

    assert before == after
    assert before.endswith(b"[('overlays/base', '../base')])")


@pytest.mark.parametrize("remote_is_new", [True, False])
def test_what_is_shown_is_rendered_confined_on_both_sides(remote_is_new: bool) -> None:
    renderer = Printer()
    remote = OVERLAY.replace("../../../base", "https://evil.example/base")
    one, other = (OVERLAY, remote) if remote_is_new else (remote, OVERLAY)

    with pytest.raises(RenderError, match="the remote"):
        renderings(MemoryTree({PATH: one, **BASE}), {PATH: other.encode()}, FOLDER, renderer)
    assert len(renderer.given) == (1 if remote_is_new else 0)


def test_a_rendering_for_showing_that_fails_names_the_overlay() -> None:
    files = {PATH: OVERLAY.replace("1.2.3", "2.0.0").encode()}
    with pytest.raises(RenderError) as caught:
        renderings(MemoryTree({PATH: OVERLAY, **BASE}), files, FOLDER, Printer(no_letters))

    assert (str(caught.value), caught.value.hint) == (f"{FOLDER}: kustomize: no such tag", "look")


def test_too_many_bytes_are_not_rendered_for_showing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "MAX_BYTES", 50)

    with pytest.raises(RenderError, match="more than 50 bytes"):
        renderings(MemoryTree({PATH: OVERLAY, **BASE}), {}, FOLDER, Printer())


def test_an_overlay_that_is_not_there_cannot_be_shown() -> None:
    with pytest.raises(RenderError, match="not in the repository"):
        renderings(MemoryTree(BASE), {}, FOLDER, Printer())
