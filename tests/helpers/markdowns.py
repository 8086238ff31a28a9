"""What a reader sees of Markdown, by a CommonMark parser, and what GitHub would make of the finished text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# Read from GitHub's behaviour: mentions, addresses, issues, commits of others, links, emoji, mathematics.
_FIRES = (
    r"(?:^|\W)@[a-z0-9]",
    r"[\w.+-]+@[\w-]+\.\w",
    r"#\d",
    r"\bgh-\d",
    r"/[\w.-]+@[0-9a-f]{7}",
    r"://",
    r"\bwww\.",
    r":(?!\d\d:)[\w+-]+:",
    r"\$",
)
SNIPPETS = (
    *(
        "|",
        "\\",
        "`",
        "```",
        "~~~",
        "~~",
        "*",
        "**",
        "_",
        "__",
        "#",
        "# ",
        "## a",
        "-",
        "- ",
        "---",
        "===",
        "1. ",
        "+ ",
    ),
    *(
        ">",
        "> ",
        "<",
        "<b>",
        "</details>",
        "</code>",
        "<!--",
        "-->",
        "<script>",
        "&amp;",
        "&lt;",
        "&#64;",
        "[",
        "]",
        "(",
    ),
    *(")", "](http://evil.example)", "![x](y)", "[x]: y", "@alice", "@org/team", "@", "#12", "GH-12", "acme/app#1"),
    *("acme/app@0123456", "http://evil.example", "www.evil.example", "mail@evil.example", ":smile:", ":100:", "$x$"),
    *(
        "\n",
        "\n\n",
        "\r",
        "\t",
        "\0",
        "\u202e",
        "\u2028",
        "\u00a0",
        "\u200b",
        " ",
        "  ",
        "    ",
        "a",
        "Z",
        "7",
        ".",
        ":",
    ),
    *("model-a", "1.4.0", "10:00", "sha256:", "@sha256:", "é", "日本", "😀", "%40", "%", "'", '"', "/lgtm", "--", "->"),
)
hostile = st.lists(st.sampled_from(SNIPPETS) | st.text(max_size=4), max_size=8).map("".join)


@dataclass
class Page:
    """`blocks` are the kinds of blocks in order, `texts` what stands outside of code and links, `cells` by rows."""

    blocks: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    fences: list[tuple[str, str]] = field(default_factory=list)

    @property
    def fires(self) -> list[str]:
        """What GitHub would turn into something, of the texts outside of code and links."""
        return [text for text in self.texts for pattern in _FIRES if re.search(pattern, text, re.IGNORECASE)]


def page(text: str) -> Page:
    """Reads Markdown."""
    found = Page()
    for token in _PARSER.parse(text):
        if token.type == "inline":
            _inline(found, token)
            continue
        if token.type == "tr_open":
            found.cells.append([])
        elif token.type == "fence":
            found.fences.append((token.info, token.content))
        elif token.type == "html_block":
            found.html.append(token.content)
        if token.nesting != -1:
            found.blocks.append(token.type.removesuffix("_open"))
    in_cells = sum(map(len, found.cells))
    assert in_cells == found.blocks.count("th") + found.blocks.count("td")
    return found


def _inline(found: Page, inline: Any) -> None:
    shown, link, text = "", None, ""
    for token in inline.children:
        if token.type == "link_open":
            link, start = token.attrs["href"], len(shown)
        elif token.type == "link_close":
            found.links.append((str(link), shown[start:]))
            link = None
        elif token.type == "code_inline":
            found.codes.append(token.content)
            shown += token.content
        elif token.type in ("text", "softbreak", "text_special"):
            piece = "\n" if token.type == "softbreak" else token.content
            shown += piece
            text += "" if link else piece
        else:
            found.others.append(token.type)
        if token.type == "code_inline" or link:
            found.texts, text = [*found.texts, text], ""
    found.texts.append(text)
    if inline.level == 6 or found.blocks[-1] in ("th", "td"):
        found.cells[-1].append(shown)
    else:
        found.lines.append(shown)


def runs(text: str) -> Iterator[int]:
    """The lengths of the runs of backticks."""
    return map(len, re.findall("`+", text))
