"""When a text may stand in YAML without quotes and still be a string to everybody who reads it.

Readers differ. YAML 1.1 takes `y`, `0574`, `1_000` and `2026-01-02` for something else than text; YAML
1.2 (core schema, §10.3.2) has `0o17` and `1e5`; kustomize's Go parser drops every `_` before it looks
for a number, and then refuses a number where it wants a tag.
"""

from __future__ import annotations

import re

_WORDS = frozenset(
    spelled(word)
    for word in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
    for spelled in (str.lower, str.title, str.upper)
)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:e[-+]?[0-9]+)?|0x[0-9a-f]*|0o[0-7]*|0b[01]*", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
_SEXAGESIMAL = re.compile(r"[0-9]+(?::[0-5]?[0-9])+")


def needs_quotes(text: str) -> bool:
    """Whether `text`, written plainly, is not a string to some YAML reader.

    `text` is a tag, a digest or an image reference: characters that mean something to YAML itself
    (`#`, `{`, a leading `-`, …) are not looked for.
    """
    if not text[:1].isdigit():
        return text in _WORDS
    number = text.replace("_", "")
    return any(form.fullmatch(number) for form in (_NUMBER, _DATE, _SEXAGESIMAL))


def written(text: str, quote: str) -> str:
    """`text` as YAML with the given quotes (`'`, `"` or "" for none); double quotes where it needs some."""
    quote = quote or ('"' if needs_quotes(text) else "")
    return f"{quote}{text}{quote}"
