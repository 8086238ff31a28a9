"""Text for people on a forge, in GitHub Flavored Markdown, out of words that others chose.

What comes from outside stays what it is: plain words stay plain, everything that could mean something becomes a code
span. Backslashes would not do: GitHub looks for mentions, issues and emoji in the finished text, where they are gone,
but never inside code (https://github.github.com/gfm/ for the rest).
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from itertools import groupby
from urllib.parse import quote

from updater.core.messages import plain

MAX_URL = 2000

_BACKTICKS = re.compile("`+")
# Starts like a word, and has nothing in it that Markdown or GitHub reads. Colons stand in times and after words.
# Each character can be matched in one way only, so that no text takes long.
_LETTER = r"0-9A-Za-z\x80-\U0010ffff"
_WORD = re.compile(rf"""-{{0,2}}["'(]*[{_LETTER}](?:[{_LETTER}.,'"/%!?;()-]|(?<=\d\d):(?=\d\d(?!\d)))*:?|->""")
_NO_WORD = re.compile(r"www\.|\bgh-\d|^\d+[.)]$", re.IGNORECASE)
# In a line that has to stay as it is: the characters of Markdown, underscores at the edge of a word, a mention or
# address (not a digest behind its tag), `://`, `:emoji:` (not a time), `www.`, `GH-12`.
_ACTIVE = re.compile(
    r"""[#$%&*<>\[\\\]^`{|}~]|(?<![^\W_])_+|_+(?![^\W_])|(?<![^\W_])@|@(?!sha256:)"""
    r"""|:(?=//)|:(?!\d\d:)(?=[\w+-]+:)|(?<=\bwww)\.|(?<=\bgh)-(?=\d)""",
    re.IGNORECASE,
)
_HTTP = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:[/?#].*)?", re.IGNORECASE | re.DOTALL)
_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


def code(text: str) -> str:
    """A code span that shows `text`, on one line."""
    shown = plain(text)
    ticks = "`" * (_longest_run(shown) + 1)
    is_edgy = not shown.isspace() and (shown.startswith(("`", " ")) or shown.endswith(("`", " ")))
    pad = " " if is_edgy else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}" if shown else ""


def prose(text: str) -> str:
    """A sentence on one line: words as they are, everything else as code."""
    return _spelled(text, code)


def inert(line: str) -> str:
    """A line of plain text that Markdown shows as it stands; what it would not is percent-encoded.

    Trailers with images, digests and times stay as they are.
    """
    return _ACTIVE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), plain(line))


def link(text: str, url: str | None) -> str:
    """A sentence that leads to `url`, where that is one of the web that shows where it leads; else the sentence."""
    shown = prose(text)
    if not shown or url is None or len(url) > MAX_URL or not _HTTP.fullmatch(url):
        return shown
    return f"[{shown}]({quote(_NO_ESCAPE.sub('%25', url), safe='/?#:@=&%+,', errors='replace')})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; header and cells are Markdown on one line each, as the functions above give it."""
    return "\n".join([row(header), row(["---"] * len(header)), *map(row, rows)])


def row(cells: Sequence[str]) -> str:
    """One row of a table. A `|` ends a cell even inside code, unless there is a backslash before it."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def fence(text: str, language: str = "") -> str:
    """Lines that are shown as they are; what cannot be seen in them is escaped."""
    ticks = "`" * max(3, _longest_run(text) + 1)
    return "\n".join([f"{ticks}{language}", *map(_visible, text.split("\n")), ticks])


def folded(summary: str, content: str) -> str:
    """A sentence that shows `content`, which is Markdown, when it is clicked."""
    shown = _spelled(summary, lambda text: f"<code>{html.escape(text)}</code>")
    return f"<details><summary>{shown}</summary>\n\n{content}\n\n</details>"


def _spelled(text: str, as_code: Callable[[str], str]) -> str:
    words = plain(" ".join(text.split())).split()
    runs = [(is_word, " ".join(run)) for is_word, run in groupby(words, _is_word)]
    return " ".join(run if is_word else as_code(run) for is_word, run in runs)


def _is_word(text: str) -> bool:
    return _WORD.fullmatch(text) is not None and _NO_WORD.search(text) is None


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)


def _visible(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() or each == "\t" else ascii(each)[1:-1] for each in line)
