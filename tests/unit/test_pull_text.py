"""The text of a pull request: what has to be known to decide, whatever it is made of, within what the forge takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.helpers.events import digest
from tests.helpers.markdowns import hostile, page
from updater.core.messages import Line, plain, told, trailers
from updater.core.origins import checked
from updater.core.pull_text import MAX_BODY, MAX_TITLE, About, Bump, Gate, Other, Ran, body, title, withdrawn
from updater.core.resource_diff import ResourceDiff
from updater.model import Event, Origin, Version

A, B = digest("a"), digest("b")
IMAGE = "us-docker.pkg.dev/acme/models/model-a"
OLD, NEW = Version("1.3.2", A), Version("1.4.0", B)
TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)
PUSHED = Event("artifact-registry", "7049", IMAGE, NEW, TEN)
LINE = Line(IMAGE, OLD, NEW, PUSHED)
TRAILERS = tuple(trailers("staging", "model-a", [LINE]))
BUMP = Bump("model-a", IMAGE, OLD, NEW)
HOW = "Merging approves this, closing refuses these versions. Reverting the merge takes them back."


def diff(number: int = 0, lines: int = 2, overlays: tuple[str, ...] = ("overlays/staging/model-a",)) -> ResourceDiff:
    shown = tuple(f"+line {each} of {number}" for each in range(lines))
    return ResourceDiff(f"Deployment/model-{number}", "changed", shown, overlays)


# The title


def test_the_title_is_the_subject_of_the_commit() -> None:
    assert title("staging", {"model-a": [LINE]}) == "Deploy model-a 1.4.0 to staging"
    web = Line("reg.example/web", Version("1"), Version("2"), None)
    assert title("staging", {"model-a": [LINE, web]}) == "Deploy model-a to staging (2 versions)"


def test_the_title_counts_services_where_there_are_several() -> None:
    assert title("staging", {each: [LINE] for each in "abc"}) == "Deploy 3 services to staging"


@given(hostile, hostile)
def test_a_title_is_one_short_line_in_which_nothing_fires(environment: str, service: str) -> None:
    for moves in ({service: [LINE]}, {service: [LINE], "b": [LINE]}):
        found = page(title(environment, moves))
        assert (found.blocks, found.others, found.links, found.fires) == (["paragraph"], [], [], [])


def test_a_long_title_is_cut() -> None:
    found = title("staging", {"x" * 300: [LINE]})
    assert (len(found), found[-1]) == (MAX_TITLE, "…")


# The whole text


ABOUT = About(
    "staging",
    bumps=(replace(BUMP, ran=(Ran("test", TEN, None, "3fa9c1e0aabb"),)),),
    gates=(Gate("soak: 30m in test", "green"), Gate("smoke-test: 41 tests", "pending", "https://ci.example/1")),
    supersedes=(Other("model-a", Version("1.3.9")),),
    waits=(Other("model-a", Version("1.5.0")),),
    lifts=("1.4.0 was reverted in c0ffee1 by Ana",),
    notes=("INC-42: by hand",),
    diffs=(diff(),),
    unrendered=("overlays/staging/b: kustomize did not end within 30 s",),
    trailers=TRAILERS,
)


def test_a_text_tells_what_has_to_be_known_most_important_first() -> None:
    assert body(ABOUT, MAX_BODY) == "\n".join(
        [
            "Merging deploys to `staging`:",
            "",
            "| Service | Image | From | To |",
            "| --- | --- | --- | --- |",
            f"| `model-a` | `{IMAGE}` | `1.3.2` `sha256:aaaaaaaaaaaa` | `1.4.0` `sha256:bbbbbbbbbbbb` |",
            "",
            "- INC-42: by hand",
            "- Lifts a hold: 1.4.0 was reverted in c0ffee1 by Ana",
            "- Takes the place of `model-a` `1.3.9`, which was proposed here before.",
            "- `model-a` `1.5.0` is newer, and waits until this one is merged or closed.",
            "",
            "**Where it ran**",
            "",
            "- `model-a` `1.4.0` stands in `test` since 2026-11-20 10:00 UTC (3fa9c1e)",
            "",
            "**Gates**",
            "",
            "| Gate | State |",
            "| --- | --- |",
            "| soak: 30m in test | ✅ green |",
            "| [smoke-test: 41 tests](https://ci.example/1) | ⏳ pending |",
            "",
            HOW,
            "",
            "**Not rendered**",
            "",
            "- overlays/staging/b: kustomize did not end within 30 s",
            "",
            "**Rendered diff**",
            "",
            "<details><summary>Deployment/model-0 is changed in overlays/staging/model-a</summary>",
            "",
            "```diff",
            "+line 0 of 0",
            "+line 1 of 0",
            "```",
            "",
            "</details>",
            "",
            *TRAILERS,
        ]
    )


def test_what_there_is_nothing_to_tell_of_is_not_mentioned() -> None:
    assert body(About("staging"), MAX_BODY) == ""
    assert body(About("staging", notes=("a",)), MAX_BODY) == "- a"
    assert body(About("staging", diffs=(diff(),)), MAX_BODY).startswith("**Rendered diff**\n\n<details>")


def test_where_it_stood_before_is_told_with_both_ends_in_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    ran = Ran("test", TEN.astimezone(berlin), TEN + timedelta(hours=2), "3fa9c1e0aabb")

    assert "- `model-a` `1.4.0` stood in `test` since 2026-11-20 10:00 UTC until 2026-11-20 12:00 UTC (3fa9c1e)" in (
        body(About("staging", (replace(BUMP, ran=(ran, ran)),)), MAX_BODY).splitlines()
    )


@pytest.mark.parametrize(
    ("version", "cell"),
    [
        (Version("1.4.0"), "`1.4.0`"),
        (Version(None, B), "`sha256:bbbbbbbbbbbb`"),
        (Version("1.4.0", B), "`1.4.0` `sha256:bbbbbbbbbbbb`"),
        (Version(), "`(none)`"),
    ],
)
def test_a_version_is_shown_by_tag_and_digest(version: Version, cell: str) -> None:
    text = body(About("staging", (Bump("a", "b", version, version), Bump("a", "b", version, version))), MAX_BODY)
    assert text.splitlines()[4:6] == [f"| `a` | `b` | {cell} | {cell} |", ""]


REPOSITORY = "https://github.com/acme/model-a"
OLDER, NEWER = "8b2d4f0" + "0" * 33, "3fa9c1e" + "0" * 33
PAGE, COMPARED = f"{REPOSITORY}/commit/{NEWER}", f"{REPOSITORY}/compare/{OLDER}...{NEWER}"


@pytest.mark.parametrize(
    ("before", "origin", "shown"),
    [
        (
            Origin(REPOSITORY, OLDER),
            Origin(REPOSITORY, NEWER, "1.4.0", TEN),
            f"[github.com/acme/model-a at 3fa9c1e]({PAGE}) ([compare]({COMPARED})), version 1.4.0,"
            " built 2026-11-20 10:00 UTC",
        ),
        (None, Origin(REPOSITORY, NEWER), f"[github.com/acme/model-a at 3fa9c1e]({PAGE})"),
        (Origin("https://git.example/x", OLDER), Origin("https://git.example/x", NEWER), "git.example/x at 3fa9c1e"),
        (None, Origin("https://git.example/My%20Models"), "git.example/My%20Models"),
        (None, Origin(revision="refs/tags/v1"), "refs/tags/v1"),
        (None, Origin(version="gh-12"), "version `gh-12`"),
        (None, Origin(created=TEN.astimezone(timezone(timedelta(hours=1)))), "built 2026-11-20 10:00 UTC"),
    ],
)
def test_where_it_was_built_from_stands_under_the_bumps(before: Origin | None, origin: Origin, shown: str) -> None:
    bump = replace(BUMP, before=before, origin=origin)
    text = body(About("staging", (bump, replace(bump, image="b"))), MAX_BODY)
    assert text.split("\n\n")[2:4] == ["**Source**", f"- `model-a` `1.4.0`: {shown}"]


def test_of_many_sources_the_last_are_left_out_before_any_gate() -> None:
    many = tuple(replace(BUMP, service=f"s{n}", origin=Origin(REPOSITORY, NEWER)) for n in range(600))
    text = body(replace(ABOUT, bumps=many), MAX_BODY)
    assert "smoke-test: 41 tests" in text
    assert 100 < text.count(PAGE) < 600


def test_a_squash_merge_keeps_the_facts_of_the_commit() -> None:
    text = body(ABOUT, MAX_BODY)

    assert text.split("\n\n")[-1] == "\n".join(TRAILERS)
    found = told(f"Deploy model-a (#7)\n\n{text}\n\nSigned-off-by: alice\n", IMAGE, NEW)
    assert found is not None
    assert (found.event, found.time) == ("artifact-registry/7049", TEN)


def test_many_overlays_of_one_change_are_counted() -> None:
    text = body(About("staging", diffs=(diff(overlays=tuple("abcdefg")),)), MAX_BODY)
    assert "Deployment/model-0 is changed in a, b, c, d, e and 2 more overlays</summary>" in text
    assert "d, e and 1 more overlay<" in body(About("staging", diffs=(diff(overlays=tuple("abcdef")),)), MAX_BODY)
    assert "a, b, c, d, e<" in body(About("staging", diffs=(diff(overlays=tuple("abcde")),)), MAX_BODY)


def test_a_comment_tells_why_we_close_a_pull_request() -> None:
    assert withdrawn("1.4.0 was reverted in test in 3fa9c1e by Ana (@ana) on 2026-11-20.") == (
        "Withdrawn: 1.4.0 was reverted in test in 3fa9c1e by Ana `(@ana)` on 2026-11-20.\n\n"
        "The updater closed this pull request itself: nobody refused what it proposed."
    )


# Hostile facts


BUILT = Origin("https://github.com/a/b", "8b2d4f0")

versions = st.builds(Version, st.none() | hostile, st.none() | st.just(A))
runs = st.builds(Ran, hostile, st.just(TEN), st.none() | st.just(TEN), hostile)
labelled = st.sampled_from(["https://github.com/a/{}", "https://git.example/{}", "{}"])
sources = st.builds(lambda shape, label: shape.format(label), labelled, hostile)
origins = st.builds(checked, sources, hostile | st.just(NEWER), hostile | st.just("gh-12"), st.none())
bumps = st.builds(
    Bump, hostile, hostile, versions, versions, st.lists(runs, max_size=2).map(tuple), st.just(BUILT), origins
)
gates = st.builds(Gate, hostile, st.sampled_from(["green", "pending", "red"]), st.none() | hostile)
others = st.builds(Other, hostile, versions)
shown = st.lists(hostile.map(lambda text: f"+{text}"), min_size=1, max_size=4).map(tuple)
changes = st.sampled_from(["changed", "added", "removed"])
rendered = st.builds(ResourceDiff, hostile, changes, shown, st.lists(hostile, min_size=1, max_size=7).map(tuple))
abouts = st.builds(
    About,
    hostile,
    *(st.lists(each, max_size=3).map(tuple) for each in (bumps, gates, others, others, hostile, hostile, rendered)),
    st.lists(hostile, max_size=2).map(tuple),
    st.lists(hostile.map(lambda text: plain(f"Key: {text}").strip()), max_size=4).map(tuple),
)


@settings(max_examples=25)
@given(abouts)
@example(replace(ABOUT, diffs=(replace(diff(), lines=("+```", "+~~~", "+</details>")),)))
def test_nothing_from_outside_is_more_than_text(about: About) -> None:
    found = page(body(about, MAX_BODY))

    headers = [["Service", "Image", "From", "To"]] * bool(about.bumps) + [["Gate", "State"]] * bool(about.gates)
    assert [cells for cells in found.cells if cells in headers] == headers
    widths = [len(cells) for cells in found.cells if cells not in headers]
    assert widths.count(4) <= len(about.bumps)
    assert widths.count(2) <= len(about.gates)
    assert set(widths) <= {4, 2}
    assert (found.fires, "heading" in found.blocks, found.blocks.count("table")) == ([], False, len(headers))
    assert set(found.others) <= {"strong_open", "strong_close"}
    assert all(shown == target or target.startswith("http") for target, shown in found.links)
    assert len(found.fences) == len(about.diffs)
    assert len(found.html) == 2 * len(about.diffs)
    if about.trailers:
        assert list(map(unquote, found.lines[-1].split("\n"))) == list(about.trailers)


# Within the forge's limit


@settings(max_examples=25)
@given(abouts, st.integers(0, 3000))
def test_a_text_is_never_longer_than_the_limit(about: About, limit: int) -> None:
    assert len(body(about, limit)) <= limit


@pytest.mark.parametrize("limit", [*range(0, 2500, 7), MAX_BODY])
def test_every_limit_is_kept_to_the_character(limit: int) -> None:
    about = replace(
        ABOUT, diffs=(diff(1, 30), diff(2), diff(3)), bumps=tuple(replace(BUMP, service=f"s{n}") for n in range(9))
    )
    assert len(body(about, limit)) <= limit


def test_no_more_is_written_than_github_takes() -> None:
    text = body(About("staging", diffs=tuple(diff(number, 100) for number in range(100))), 10_000_000)
    assert MAX_BODY - 3000 < len(text) <= MAX_BODY


def test_diffs_are_left_out_from_the_end_and_counted() -> None:
    about = replace(ABOUT, diffs=(diff(0), diff(1), diff(2, 5, ("a", "b"))), unrendered=())
    whole = body(about, MAX_BODY)

    text = body(about, len(whole) - 1)

    assert "Deployment/model-0" in text
    assert "Deployment/model-1" in text
    assert "Deployment/model-2" not in text
    assert f"</details>\n\nLeft out here: 1 resource in 2 overlays, 5 lines.\n\n{TRAILERS[0]}" in text
    assert body(about, len(whole)) == whole


def test_only_the_first_diff_is_cut_inside_and_its_lines_are_counted() -> None:
    about = replace(ABOUT, diffs=(diff(0, 100),), unrendered=())
    text = body(about, len(body(about, MAX_BODY)) - 100)
    lines = text.count("+line ")

    assert 80 < lines < 100
    assert f"```\n\n</details>\n\nLeft out here: {100 - lines} lines.\n\n" in text

    more = body(replace(about, diffs=(diff(0, 100), diff(1))), len(text) + 40)
    assert f"Left out here: 1 resource in 1 overlay, {102 - more.count('+line ')} lines." in more
    assert more.count("+line ") > 70


def test_where_no_line_fits_the_diffs_are_counted_at_least() -> None:
    short = len(body(replace(ABOUT, diffs=()), MAX_BODY)) + 90
    text = body(replace(ABOUT, diffs=(diff(0, 50), diff(1, 50))), short)
    assert "**Rendered diff**\n\nLeft out here: 2 resources in 1 overlay, 100 lines.\n\nUpdater-Environment" in text


def test_a_diff_that_grows_when_it_is_shown_still_fits() -> None:
    hidden = replace(diff(), lines=("+" + "\u202e" * 50, *["+`````"] * 50))
    for limit in range(100, 900, 9):
        assert len(body(About("staging", diffs=(hidden, hidden)), limit)) <= limit


def test_thousands_of_bumps_are_cut_with_a_count_and_leave_room_for_the_trailers_that_fit() -> None:
    many = tuple(replace(BUMP, service=f"service-{number}") for number in range(3000))
    text = body(replace(ABOUT, bumps=many), MAX_BODY)
    rows = text.count("| `service-")

    assert MAX_BODY * 0.4 < len(text) <= MAX_BODY
    assert f"\n\nLeft out here: {3000 - rows} bumps.\n\n" in text
    assert rows > 100
    assert "smoke-test" in text
    assert text.endswith("\n".join(TRAILERS))


def test_too_many_trailers_are_counted() -> None:
    text = body(replace(ABOUT, trailers=TRAILERS * 500), MAX_BODY)
    assert text.endswith("\n\n2500 trailers left out here: the commits of this pull request have them.")
    assert "| `model-a` |" in text


def test_long_sentences_are_cut() -> None:
    text = body(About("staging", notes=("word " * 1000,), gates=(Gate("x" * 1000, "red"),)), MAX_BODY)
    assert len(text) < 1200
    assert text.count("…") == 2
