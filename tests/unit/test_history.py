"""How an entry came to stand as it does: told by contents, whatever the messages say."""

from __future__ import annotations

from dataclasses import replace

from tests.helpers.events import IMAGE, PATH, at, digest, entry, pushed
from updater.core.history import Step, standing, stood
from updater.core.messages import Line, commit_message
from updater.model import Entry, Standing, Version


def kustomization(tag: str | None, letter: str | None = None, name: str = IMAGE) -> bytes:
    lines = ["images:", f"- name: {name}"]
    lines += [f'  newTag: "{tag}"'] if tag else []
    lines += [f"  digest: {digest(letter)}"] if letter else []
    return "\n".join(lines).encode()


def ours(tag: str, letter: str | None = None, pushed_at: float = 0) -> str:
    event = pushed(tag, letter, pushed_at)
    return commit_message("test", "model-a", [Line(IMAGE, Version("0"), event.version, event)])


def history(*contents: tuple[bytes | None, str]) -> list[Step]:
    """The steps that lead through these contents, oldest first, each with its commit's message; one an hour."""
    steps = []
    before: bytes | None = None
    for number, (content, message) in enumerate(contents):
        steps.append(Step(f"commit-{number}", message, at(60 * number), before))
        before = content
    return steps[::-1]


def test_the_commit_that_put_the_version_there_is_found_below_those_that_left_it_alone() -> None:
    steps = history(
        (kustomization("1.3.0"), "start"),
        (kustomization("1.4.0"), ours("1.4.0", pushed_at=-7)),
        (kustomization("1.4.0") + b"\n# a note", "note"),
        (kustomization("1.4.0") + b"\n# a longer note", "note"),
    )
    assert standing(entry("1.4.0"), steps) == Standing("commit-1", pushed_at=at(-7), landed_at=at(60))


def test_a_commit_without_our_trailers_counts_with_its_own_time() -> None:
    steps = history((kustomization("1.3.0"), "start"), (kustomization("1.4.0"), "by hand"))
    assert standing(entry("1.4.0"), steps) == Standing("commit-1", at(60), at(60))


def test_trailers_of_a_commit_that_changed_something_else_count_for_nothing() -> None:
    steps = history((kustomization("1.4.0"), "start"), (kustomization("1.4.0") + b"\n", ours("1.4.0", pushed_at=99)))
    assert standing(entry("1.4.0"), steps) == Standing("commit-0", at(0), at(0))


def test_trailers_of_another_version_count_for_nothing() -> None:
    steps = history((kustomization("1.3.0"), "start"), (kustomization("1.4.0"), ours("1.5.0", pushed_at=-7)))
    assert standing(entry("1.4.0"), steps) == Standing("commit-1", at(60), at(60))


def test_a_version_that_was_reverted_and_put_back_stands_since_it_was_put_back() -> None:
    steps = history(
        (kustomization("1.3.0"), "start"),
        (kustomization("1.4.0"), ours("1.4.0")),
        (kustomization("1.3.0"), 'Revert "Deploy"'),
        (kustomization("1.4.0"), 'Reapply "Deploy"'),
    )
    assert standing(entry("1.4.0"), steps) == Standing("commit-3", at(180), at(180))
    assert standing(entry("1.3.0"), steps[1:]) == Standing("commit-2", at(120), at(120))


def test_an_old_content_that_cannot_be_read_carried_nothing() -> None:
    steps = history((b"images: [", "broken"), (kustomization("1.4.0"), "mended"), (kustomization("1.4.0") + b"\n", "x"))
    assert standing(entry("1.4.0"), steps) == Standing("commit-1", at(60), at(60))


def test_a_file_that_a_commit_added_stands_since_that_commit() -> None:
    added = history((kustomization("1.4.0"), "Merge branch 'new-service'"))
    assert standing(entry("1.4.0"), added) == Standing("commit-0", at(0), at(0))


def test_an_entry_that_moved_within_its_file_stands_as_before() -> None:
    first = b'images:\n- {name: reg.example/x, newTag: "1"}\n- {name: reg.example/models/model-a, newTag: 1.4.0}\n'
    steps = history((first, "start"), (kustomization("1.4.0"), "tidy up"))
    assert standing(entry("1.4.0"), steps) == Standing("commit-0", at(0), at(0))


def test_an_entry_under_another_name_or_for_another_image_is_not_the_same() -> None:
    renamed = history((kustomization("1.4.0", name="reg.example/x"), "start"), (kustomization("1.4.0"), "rename"))
    assert standing(entry("1.4.0"), renamed) == Standing("commit-1", at(60), at(60))
    elsewhere = kustomization("1.4.0") + b"\n  newName: mirror.example/models/model-a"
    moved = history((elsewhere, "start"), (kustomization("1.4.0"), "back from the mirror"))
    assert standing(entry("1.4.0"), moved) == Standing("commit-1", at(60), at(60))


def test_history_that_is_cut_short_or_missing_knows_nothing() -> None:
    steps = history((kustomization("1.4.0"), "start"), (kustomization("1.4.0") + b"\n", "note"))
    assert standing(entry("1.4.0"), steps[:1]) is None
    assert standing(entry("1.4.0"), []) is None


def test_an_entry_without_image_is_told_by_its_content_alone() -> None:
    placeholder: Entry = replace(entry("1.4.0", name="MODEL_IMAGE"), image=None)
    steps = history((kustomization("1.4.0", name="MODEL_IMAGE"), ours("1.4.0")))
    assert standing(placeholder, steps) == Standing("commit-0", at(0), at(0))
    assert placeholder.path == PATH


def test_a_tag_that_learned_its_digest_is_no_older_than_the_tag_was() -> None:
    steps = history(
        (kustomization("1.3.0"), "start"),
        (kustomization("1.4.0"), "by hand"),
        (kustomization("1.4.0") + b"\n", "note"),
        (kustomization("1.4.0", "a"), ours("1.4.0", "a", pushed_at=-7)),
    )
    learned = Standing("commit-3", pushed_at=at(-7), landed_at=at(180), tag_since=at(60))
    assert standing(entry("1.4.0", "a"), steps) == learned
    again = history(
        (kustomization("1.4.0"), "by hand"),
        (kustomization("1.4.0", "a"), ours("1.4.0", "a", pushed_at=-7)),
        (kustomization("1.4.0", "b"), ours("1.4.0", "b", pushed_at=-5)),
    )
    assert standing(entry("1.4.0", "b"), again) == Standing("commit-2", at(-5), at(120), tag_since=at(0))
    assert standing(entry("1.4.0", "b"), again[:2]) == Standing("commit-2", at(-5), at(120))
    assert standing(entry("1.4.0", "b"), again[:1]) == Standing("commit-2", at(-5), at(120))
    assert standing(replace(entry(None, "b")), history((kustomization(None, "b"), "x"))) == Standing(
        "commit-0", at(0), at(0)
    )


def test_a_tag_that_learned_its_digest_beyond_the_known_history_is_as_old_as_the_push() -> None:
    steps = history((kustomization("1.4.0"), "start"), (kustomization("1.4.0", "a"), ours("1.4.0", "a", pushed_at=-7)))
    assert standing(entry("1.4.0", "a"), steps[:1]) == Standing("commit-1", at(-7), at(60))


# What stood before


def test_a_version_that_stood_before_is_found_with_the_push_that_first_brought_it() -> None:
    steps = history(
        (kustomization("1.3.0", "a"), "start"),
        (kustomization("1.4.0", "b"), ours("1.4.0", "b", pushed_at=-7)),
        (kustomization("1.4.0", "b") + b"\n# a note", "note"),
        (kustomization("1.5.0", "c"), ours("1.5.0", "c", pushed_at=-3)),
    )
    past = stood(entry("1.5.0", "c"), Version("1.4.0", digest("b")), steps)
    assert past == Standing("commit-1", pushed_at=at(-7), landed_at=at(60))
    assert stood(entry("1.5.0", "c"), Version("1.3.0", digest("a")), steps) == Standing("commit-0", at(0), at(0))


def test_a_version_without_a_digest_is_that_tag_with_any() -> None:
    steps = history((kustomization("1.4.0", "b"), "start"), (kustomization("1.5.0", "c"), "next"))
    assert stood(entry("1.5.0", "c"), Version("1.4.0"), steps) == Standing("commit-0", at(0), at(0))
    assert stood(entry("1.5.0", "c"), Version("1.4.0", digest("d")), steps) is None


def test_what_never_stood_or_stood_in_another_entry_is_not_found() -> None:
    other = kustomization("1.4.0", name=f"{IMAGE}-b")
    steps = history((None, "start"), (b"images: [", "broken"), (other, "other"), (kustomization("1.5.0"), "next"))
    assert stood(entry("1.5.0"), Version("1.4.0"), steps) is None
    assert stood(entry("1.5.0"), Version("1.5.0"), steps) is None
