"""Any text as a YAML scalar on one line: plain where every reader takes it for the same text, else in double quotes.

The escapes are those that JSON (RFC 8259 §7) and YAML (1.2.2 §5.7) share, so a file in JSON stays JSON.
"""

from __future__ import annotations

import json
import re

from updater.core import times
from updater.core.scalars import needs_quotes

# Safe between braces, too: older releases of libyaml take no colon and no question mark there, not even inside a word.
_PLAIN = re.compile(r"\w(?:[^:?#,\[\]{}]|(?<! )#)*(?<! )")


def plain_or_quoted(text: str) -> str:
    """`text` without quotes, also in flow style, where all readers give it back; else as `quoted` writes it.

    A day of the calendar stays plain, as people write it: YAML 1.1 has a type for days, but it says the same.
    """
    safe = text.isprintable() and _PLAIN.fullmatch(text) and not needs_quotes(text)
    return text if safe or times.day(text) else quoted(text)


def quoted(text: str) -> str:
    """`text` in double quotes. What cannot be seen (controls, line breaks, marks of direction) is escaped."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    # JSON has no escape beyond the basic plane, and YAML needs none there.
    hidden = char < "\U00010000" and not char.isprintable()
    return json.dumps(char)[1:-1] if hidden or char in '"\\' else char
