"""What is wrong with a GraphQL request before anything is looked up, and what it costs.

https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.helpers.github.graphql_schema import CONNECTIONS, ENUMS, INPUTS, POSSIBLE
from tests.helpers.github.graphql_syntax import Document, Field, Inline, Operation, Selection, Spread, Symbol, Variable
from tests.helpers.github.graphql_types import TYPES, Known

MOST_NODES = 500_000
MOST_ITEMS = 100
_OBJECT_ID = re.compile("[0-9a-f]{40}")
Error = dict[str, Any]


def fields_of(kind: str) -> Mapping[str, Known]:
    """The fields of a type; those that all connections have come from the type of their items."""
    if kind in CONNECTIONS:
        item = CONNECTIONS[kind]
        names = {"totalCount": "Int!", "pageInfo": "PageInfo!", "nodes": f"[{item}]", "edges": f"[{item}Edge]"}
    elif kind.endswith("Edge"):
        names = {"cursor": "String!", "node": kind.removesuffix("Edge")}
    elif kind == "PageInfo":
        flags = dict.fromkeys(("hasNextPage", "hasPreviousPage"), "Boolean!")
        names = {**flags, **dict.fromkeys(("startCursor", "endCursor"), "String")}
    else:
        return TYPES.get(kind, {})
    return {name: Known(declared, lambda *_: None, {}) for name, declared in names.items()}


def is_composite(kind: str) -> bool:
    """Whether values of a type have fields of their own."""
    return kind in POSSIBLE or bool(fields_of(kind))


@dataclass
class Check:
    """Walks through a request. `requests` and `nodes` are what GitHub counts for its limits."""

    document: Document
    operation: Operation
    values: Mapping[str, Any]
    errors: list[Error] = field(default_factory=list)
    requests: int = 0
    nodes: int = 0
    _used: set[str] = field(default_factory=set)

    def run(self) -> list[Error]:
        """All errors; empty where the request may be looked at."""
        root = "Query" if self.operation.kind == "query" else "Mutation"
        self._selections(self.operation.selections, root, 1, [self._label])
        for name in sorted(self.operation.variables.keys() - self._used):
            self._complain(None, [self._label], f"Variable ${name} is declared by {self._label} but not used")
        for name, kind in self.operation.variables.items():
            if kind.endswith("!") and self.values.get(name) is None:
                self._complain(None, [], f"Variable ${name} of type {kind} was provided invalid value")
        if not self.errors and self.nodes > MOST_NODES:
            told = (
                f"This query requests up to {self.nodes:,} possible nodes which exceeds the maximum limit of 500,000."
            )
            self.errors.append({"type": "MAX_NODE_LIMIT_EXCEEDED", "message": told})
        return self.errors

    @property
    def cost(self) -> int:
        return max(1, round(self.requests / 100))

    @property
    def _label(self) -> str:
        return (
            f"{self.operation.kind} {self.operation.name}"
            if self.operation.name
            else f"anonymous {self.operation.kind}"
        )

    def _selections(self, selections: list[Selection], kind: str, times: int, path: list[str]) -> None:
        for selection in selections:
            if isinstance(selection, Field):
                self._field(selection, kind, times, [*path, selection.key])
            elif inline := self._inline(selection, kind, path):
                self._selections(inline.selections, inline.condition or kind, times, path)

    def _inline(self, selection: Inline | Spread, kind: str, path: list[str]) -> Inline | None:
        """The fields of a fragment, if it can be about values of this type."""
        inline = self.document.fragments.get(selection.name) if isinstance(selection, Spread) else selection
        if inline is None:
            self._complain(None, path, f"Fragment {selection.name} was used, but not defined")  # type: ignore[union-attr]
        elif inline.condition is not None and not is_composite(inline.condition):
            self._complain(None, path, f"No such type {inline.condition}, so it can't be a fragment condition")
        elif inline.condition is not None and not set(_possible(inline.condition)) & set(_possible(kind)):
            self._complain(None, path, f"Fragment on {inline.condition} can't be spread inside {kind}")
        else:
            return inline
        return None

    def _field(self, asked: Field, kind: str, times: int, path: list[str]) -> None:
        if asked.name == "__typename":
            return
        known = fields_of(kind).get(asked.name)
        if known is None:
            self._complain(asked, path, f"Field '{asked.name}' doesn't exist on type '{kind}'")
            return
        self._arguments(asked, known, path)
        if is_composite(known.base) != bool(asked.selections):
            verb = "must have selections" if is_composite(known.base) else "can't have selections"
            self._complain(asked, path, f"Field {verb} (field '{asked.name}' returns {known.base})")
            return
        if known.base in CONNECTIONS:
            times = self._count(asked, times, path)
        self._selections(asked.selections, known.base, times, path)

    def _count(self, asked: Field, times: int, path: list[str]) -> int:
        """Counts what a connection may bring, and gives how often what is in it is looked at."""
        for name in ("first", "last"):
            size = self._value(asked.arguments.get(name))
            if isinstance(size, int) and size > MOST_ITEMS:
                told = f"Requesting {size} records on the `{asked.name}` connection exceeds the `{name}` limit of 100."
                self.errors.append({"type": "EXCESSIVE_PAGINATION", "path": path[1:], "message": told})
            if isinstance(size, int):
                self.requests += times
                self.nodes += times * size
                return times * size
        told = f"You must provide a `first` or `last` value to properly paginate the `{asked.name}` connection."
        self.errors.append({"type": "MISSING_PAGINATION_BOUNDARIES", "path": path[1:], "message": told})
        return times

    def _arguments(self, asked: Field, known: Known, path: list[str]) -> None:
        for name in asked.arguments.keys() - known.arguments.keys():
            self._complain(asked, path, f"Field '{asked.name}' doesn't accept argument '{name}'")
        for name, kind in known.arguments.items():
            if name in asked.arguments:
                self._fits(asked, name, asked.arguments[name], kind, path)
            elif kind.endswith("!"):
                self._complain(asked, path, f"Field '{asked.name}' is missing required arguments: {name}")

    def _fits(self, asked: Field, name: str, value: Any, kind: str, path: list[str]) -> None:
        for used in _variables(value):
            self._used.add(used)
            if used not in self.operation.variables:
                self._complain(asked, path, f"Variable ${used} is used by {self._label} but not declared")
        if isinstance(value, Variable):
            declared = self.operation.variables.get(value.name, kind)
            if declared.rstrip("!") != kind.rstrip("!") or (kind.endswith("!") and not declared.endswith("!")):
                self._complain(
                    asked, path, f"Type mismatch on variable ${value.name} and argument {name} ({declared} / {kind})"
                )
        if not self._is_one(value, kind):
            told = f"Argument '{name}' on Field '{asked.name}' has an invalid value. Expected type '{kind}'."
            self._complain(asked, path, told)

    def _is_one(self, value: Any, kind: str, *, in_json: bool = False) -> bool:
        """Whether a value is one of a type. In the JSON of variables the values of enums are texts."""
        if isinstance(value, Variable):
            return self._is_one(self.values.get(value.name), kind, in_json=True)
        if kind.endswith("!"):
            return value is not None and self._is_one(value, kind[:-1], in_json=in_json)
        if value is None:
            return True
        if kind.startswith("["):
            items = value if isinstance(value, list) else [value]
            return all(self._is_one(item, kind[1:-1], in_json=in_json) for item in items)
        if kind in INPUTS:
            return isinstance(value, dict) and self._is_input(value, INPUTS[kind], in_json=in_json)
        if kind in ENUMS:
            return value in ENUMS[kind] and isinstance(value, Symbol) != in_json
        return _is_scalar(value, kind)

    def _is_input(self, value: Mapping[str, Any], names: Mapping[str, str], *, in_json: bool) -> bool:
        return value.keys() <= names.keys() and all(
            self._is_one(value.get(name), kind, in_json=in_json) for name, kind in names.items()
        )

    def _value(self, value: Any) -> Any:
        return self.values.get(value.name) if isinstance(value, Variable) else value

    def _complain(self, asked: Field | None, path: list[str], message: str) -> None:
        places = [{"line": asked.line, "column": asked.column}] if asked else []
        self.errors.append({"path": path, "locations": places, "message": message})


def _possible(kind: str) -> tuple[str, ...]:
    return POSSIBLE.get(kind, (kind,))


def _variables(value: Any) -> Iterator[str]:
    if isinstance(value, Variable):
        yield value.name
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _variables(item)


def _is_scalar(value: Any, kind: str) -> bool:
    if kind == "Int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "Boolean":
        return isinstance(value, bool)
    is_text = isinstance(value, str) and not isinstance(value, Symbol)
    return is_text and (kind != "GitObjectID" or _OBJECT_ID.fullmatch(value) is not None)
