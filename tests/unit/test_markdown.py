"""Whatever others chose as names and sentences stays text, in every place of a page."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.markdowns import hostile, page
from updater.core.markdown import MAX_URL, code, fence, folded, inert, link, prose, row, table
from updater.core.messages import plain

DIGEST = f"sha256:{'0a' * 32}"


def one_line(text: str) -> str:
    return " ".join(plain(" ".join(text.split())).split())


# Code


@given(hostile)
@example("   ")
@example("`")
@example(" a ")
@example("a\\")
def test_a_code_span_shows_the_text_and_ends_where_the_text_ends(text: str) -> None:
    found = page(f"before {code(text)} @after")

    assert found.codes == ([plain(text)] if text else [])
    assert (found.blocks, found.others, found.lines) == (["paragraph"], [], [f"before {plain(text)} @after"])


def test_code_shows_what_cannot_be_seen_as_escapes() -> None:
    assert code("a\n\n# b\u202e") == "`'a\\n\\n# b\\u202e'`"
    assert code("\ud800") == "`'\\ud800'`"


# Prose


@given(hostile)
@example("1. a")
@example("1) a")
@example("10:100: a")
@example("GH-12 gh-1")
@example("www.evil.example")
def test_a_sentence_is_a_line_in_which_nothing_fires(text: str) -> None:
    found = page(prose(text))

    assert "".join(found.lines) == one_line(text)
    assert (found.blocks in ([], ["paragraph"]), found.others, found.links, found.fires) == (True, [], [], [])


@pytest.mark.parametrize(
    "sentence",
    [
        "1.4.0 was reverted in test in 3fa9c1e by Ana on 2026-11-20.",
        "waits until 2026-11-20T10:00:00Z (freeze: holidays), then 1.4.0-rc.1 -> 1.4.0!",
        "Größer als „vorher“ — it's 50% of overlays/test/model-a; isn't it?",
        "with --force and -f",
    ],
)
def test_plain_words_stay_plain(sentence: str) -> None:
    assert prose(sentence) == sentence


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("by @alice and @org/team now", "by `@alice` and `@org/team` now"),
        ("see #12 GH-12 acme/app#1", "see `#12 GH-12 acme/app#1`"),
        ("go to http://evil.example", "go to `http://evil.example`"),
        ("a :smile: b", "a `:smile:` b"),
        ("a | b", "a `|` b"),
        ("# no heading", "`#` no heading"),
        ("- no item", "`-` no item"),
        ("<img src=x> x", "`<img src=x>` x"),
        ("/lgtm", "`/lgtm`"),
        ("two\n\nlines  and\ttabs", "two lines and tabs"),
        ("", ""),
    ],
)
def test_what_means_something_is_shown_as_code(sentence: str, shown: str) -> None:
    assert prose(sentence) == shown


@pytest.mark.parametrize("word", ["é", "a", "(", "-", "10:", "_", ":a", "`", "www.", "@"])
def test_a_long_word_is_read_in_no_time_although_it_is_none_at_its_end(word: str) -> None:
    # Would not end within a lifetime where a pattern can read the same letters in several ways.
    text = f"{word * 3000}`"
    assert prose(text) == code(text)
    assert unquote(inert(text)) == text


# Lines that stay as they are


@given(hostile)
@example("_a_ b_c __d")
@example("gh-1 www.x :a:b:10:00:")
def test_an_inert_line_is_shown_as_it_stands_and_can_be_read_back(text: str) -> None:
    line = f"Updater-Service: {inert(text)}"
    found = page(line)

    assert (found.lines, found.blocks, found.others, found.fires) == ([line.rstrip()], ["paragraph"], [], [])
    assert unquote(inert(text)) == plain(text)


@pytest.mark.parametrize(
    "line",
    [
        f"Updater-Image: us-docker.pkg.dev/acme/models/model_a:1.4.0@{DIGEST}",
        f"Updater-Previous: localhost:5000/a@{DIGEST}",
        "Updater-Event: artifact-registry/7049-a=b+c 2026-11-20T10:00:00.000120Z",
        "Deploy model-a to test (2 versions)",
        "ghcr.io/acme/www2.a",
    ],
)
def test_trailers_stay_as_they_are(line: str) -> None:
    assert inert(line) == line


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"x:1.4.-@{DIGEST}", f"x:1.4.-%40{DIGEST}"),
        ("generic/@alice", "generic/%40alice"),
        ("generic/a@evil.example", "generic/a%40evil.example"),
        ("generic/http://x", "generic/http%3A//x"),
        ("www.example/a:1", "www%2Eexample/a:1"),
        ("fixes #12", "fixes %2312"),
        ("a:smile:b", "a%3Asmile:b"),
        ("x:_1_", "x:%5F1%5F"),
        ("50%40", "50%2540"),
        ("a\nb", "'a%5Cnb'"),
    ],
)
def test_what_would_fire_in_a_line_is_percent_encoded(line: str, shown: str) -> None:
    assert inert(line) == shown


# Links


@given(
    hostile,
    hostile,
    st.sampled_from(["https://ci.example/", "http://ci.example:8080?", "https://ci.example#", "//ci.example/"]),
)
def test_a_link_is_one_link_to_the_host_that_it_names_or_none(text: str, rest: str, start: str) -> None:
    found = page(f"{link(text, start + rest)} @after")

    assert found.others == []
    assert found.blocks == ["paragraph"]
    assert found.fires == [found.texts[-1]]
    assert len(found.links) == (1 if one_line(text) and start.startswith("http") else 0)
    for target, shown in found.links:
        assert shown == one_line(text)
        assert (urlsplit(target).scheme, urlsplit(target).hostname) == (start.split(":")[0], "ci.example")
        assert target.isascii()


def test_what_stands_in_a_url_still_leads_to_the_same_page() -> None:
    url = "https://ci.example/run/1?a=1&b=%20x,y+z#top"
    assert link("smoke test", url) == f"[smoke test]({url})"
    assert link("x", "https://ci.example/a b(c)|ü;&copy;%zz") == (
        "[x](https://ci.example/a%20b%28c%29%7C%C3%BC%3B&copy%3B%25zz)"
    )


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "ftp://ci.example/",
        "//ci.example/",
        "https://",
        "https://ci.example\\@evil.example/",
        "https://ci.example@evil.example/",
        "https://xn--.example-/",
        "https://ci.exämple/",
        "https://ci.example:999999/",
        " https://ci.example/",
        f"https://ci.example/{'a' * MAX_URL}",
    ],
)
def test_a_url_that_hides_where_it_leads_is_no_link(url: str | None) -> None:
    assert link("smoke test", url) == "smoke test"


# Tables


@given(st.lists(st.tuples(hostile, hostile), max_size=4))
@example([("a\\|b", "|"), ("\\", "\\"), ("`|`", "\\\\|")])
def test_a_table_has_exactly_its_cells_whatever_is_in_them(rows: list[tuple[str, str]]) -> None:
    found = page(table(("Name", "Why"), [(code(name), prose(why)) for name, why in rows]) + "\n\nafter")

    assert found.cells[0] == ["Name", "Why"]
    assert found.cells[1:] == [[plain(name), one_line(why)] for name, why in rows]
    assert [len(cells) for cells in found.cells] == [2] * (len(rows) + 1)
    assert (found.lines, found.others, found.links, found.fires) == (["after"], [], [], [])


def test_a_row_is_one_line() -> None:
    assert row(("`a|b`", "c")) == "| `a\\|b` | c |"


# Fences and folds


@given(hostile)
@example("```\n````\n~~~")
def test_a_fence_ends_where_its_text_ends(text: str) -> None:
    found = page(f"{fence(text, 'diff')}\n\nafter")

    (info, content), *more = found.fences
    assert (info, more, found.lines) == ("diff", [], ["after"])
    assert content.count("\n") == text.count("\n") + 1
    assert all(letter.isprintable() or letter in "\n\t" for letter in content)


def test_what_can_be_seen_in_a_fence_is_not_changed() -> None:
    assert fence("+a: é\n-\tb\u202e\0") == "```\n+a: é\n-\tb\\u202e\\x00\n```"


class Tags(HTMLParser):
    """The tags of a page, and its text inside and outside of `code`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(hostile)
def test_a_fold_shows_its_summary_as_text_and_hides_its_content(summary: str) -> None:
    found = page(f"{folded(summary, '*content*')}\n\nafter")

    assert (found.blocks, found.others) == (
        ["html_block", "paragraph", "html_block", "paragraph"],
        ["em_open", "em_close"],
    )
    tags = Tags(found.html[0])
    assert tags.tags[:2] == ["details", "summary"]
    assert set(tags.tags[2:]) <= {"code"}
    assert tags.text.strip() == one_line(summary)
    assert found.html[1] == "</details>\n"


def test_what_means_something_in_a_summary_is_code() -> None:
    assert folded("in ml by @alice <b>", "x") == (
        "<details><summary>in ml by <code>@alice &lt;b&gt;</code></summary>\n\nx\n\n</details>"
    )
