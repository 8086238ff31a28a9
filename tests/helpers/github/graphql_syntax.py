"""What a GraphQL request consists of, once it is parsed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variable:
    """The use of a variable."""

    name: str


class Symbol(str):
    """The name of an enum's value."""

    __slots__ = ()


@dataclass(frozen=True)
class Field:
    """One field that is asked for. `key` is the name that it gets in the answer."""

    name: str
    key: str
    arguments: dict[str, Any]
    selections: list[Selection]
    line: int
    column: int


@dataclass(frozen=True)
class Inline:
    """Fields of one kind of value; without a condition, of every kind."""

    condition: str | None
    selections: list[Selection]


@dataclass(frozen=True)
class Spread:
    """The place of a fragment."""

    name: str


Selection = Field | Inline | Spread


@dataclass(frozen=True)
class Operation:
    """A query or mutation. `variables` are names with types, `defaults` what they are when not given."""

    kind: str
    name: str | None
    selections: list[Selection]
    variables: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    operations: list[Operation]
    fragments: dict[str, Inline]
