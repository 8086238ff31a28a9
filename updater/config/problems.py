"""What may be wrong in a file, said in our words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from updater.config.document import Path
from updater.core.environment import (
    Environment,
    Follow,
    Freeze,
    Hold,
    Promote,
    PullRequests,
    Release,
    SignedBy,
    StatusGate,
    key_of,
)

Shape: TypeAlias = tuple[str, ...]

ITEM = "[]"

SECTIONS: Mapping[Shape, type] = {
    (): Environment,
    ("follow", ITEM): Follow,
    ("follow", ITEM, "signed-by"): SignedBy,
    ("promote",): Promote,
    ("promote", "statuses", ITEM): StatusGate,
    ("pull-request",): PullRequests,
    ("freeze", ITEM): Freeze,
    ("hold", ITEM): Hold,
    ("release", ITEM): Release,
}
"""Where in a file which mapping of keys stands."""

CHOICES: Mapping[Shape, str] = {
    ("overlays",): "must be a glob, or a list of globs",
    ("follow", ITEM, "signed-by", "key"): "must be the path of a file, or a list of paths",
    ("promote", "from"): "must be the name of an environment, or a list of names",
    ("promote", "statuses", ITEM): "must be the name of a status, or a mapping with `context`",
    ("paused",): "must be true, false or a reason",
}
"""Where a value may have one of several shapes, and which."""

WRONG_SHAPE: Mapping[str, str] = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "dataclass_type": "must be a mapping of keys",
}
"""The kinds of pydantic's errors that mean a value of another type, each with the type that is wanted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at `path` of a file, and what to do about it."""

    path: Path
    message: str
    hint: str | None = None


def shape_of(path: Path) -> Shape:
    """The path with every index as `[]`: `follow[0].image` and `follow[7].image` have one shape."""
    return tuple(ITEM if isinstance(part, int) else part for part in path)


def named(path: Path) -> str:
    """A path as messages name it: `follow[0].order`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{shown(part)}" for part in path).removeprefix(".")


def shown(text: str) -> str:
    """Text from a file, fit for one line of a terminal or a log."""
    return text if text.isprintable() and len(text) <= 80 else ascii(text[:80])


def near(word: str, words: Iterable[str]) -> str | None:
    """A hint at the one of `words` that was meant, if `word` is close to one."""
    matches = difflib.get_close_matches(word[:80], sorted(words), n=1)
    return f"did you mean `{matches[0]}`?" if matches else None


def problem(path: Path, kind: str, value: Any, context: Mapping[str, Any]) -> Problem:
    """An error that pydantic calls `kind`, with `value` at `path`, in our words; `context` is pydantic's own."""
    if kind == "unexpected_keyword_argument":
        return _unknown_key(path)
    if kind == "missing":
        return Problem(path, f"`{named(path)}` is missing")
    if kind in WRONG_SHAPE:
        return misfit(path, WRONG_SHAPE[kind], value)
    if kind == "literal_error":
        allowed = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        return Problem(path, f"`{named(path)}` must be one of {', '.join(allowed)}", near(str(value), allowed))
    if kind in ("string_too_short", "too_short"):
        return Problem(path, f"`{named(path)}` must not be empty")
    if kind == "greater_than_equal":
        return Problem(path, f"`{named(path)}` must be at least {context['ge']}")
    return Problem(path, f"`{named(path)}`: {kind}")


def misfit(path: Path, wanted: str, value: Any) -> Problem:
    """`value` at `path` is of another type than is wanted there."""
    subject = f"`{named(path)}`" if path else "the file"
    if value is None and path:
        return Problem(path, f"{subject} is empty, and {wanted}", "give it a value, or take the key out")
    return Problem(path, f"{subject} {wanted}", _hint(wanted, value))


def _hint(wanted: str, value: Any) -> str | None:
    if isinstance(value, bool | int | float) and wanted == WRONG_SHAPE["string_type"]:
        return "put it in quotes: without them, YAML reads it as a number or as true or false"
    if value in ("yes", "no", "on", "off") and wanted == WRONG_SHAPE["bool_type"]:
        return "`yes`, `no`, `on` and `off` are text in YAML 1.2"
    return None


def _unknown_key(path: Path) -> Problem:
    key = str(path[-1])
    keys = _keys(SECTIONS[shape_of(path[:-1])])
    hint = " ".join(filter(None, (near(key, keys), _elsewhere(key)))) or f"known here: {', '.join(keys)}"
    return Problem(path, f"unknown key `{named(path)}`", hint)


def _elsewhere(key: str) -> str | None:
    homes = [shape for shape, kind in SECTIONS.items() if key in _keys(kind)]
    if not homes:
        return None
    return f"`{key}` is a key of " + " and ".join(
        f"`{[part for part in home if part != ITEM][-1]}`" if home else "the file itself" for home in homes
    )


def _keys(kind: type) -> list[str]:
    return [key_of(field.name) for field in fields(kind)]
