"""Answers GraphQL requests from the repository."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.helpers.github import graphql_fields, graphql_mutations, graphql_pulls
from tests.helpers.github.access import Token
from tests.helpers.github.graphql_check import Check, Error, fields_of, is_composite
from tests.helpers.github.graphql_parser import Unparsable, parse
from tests.helpers.github.graphql_schema import CONNECTIONS, POSSIBLE, RIGHTS
from tests.helpers.github.graphql_syntax import Document, Field, Operation, Selection, Spread, Variable
from tests.helpers.github.graphql_types import Context, Known, Unavailable, type_of
from tests.helpers.github.limits import Limits
from tests.helpers.github.repository import Repository
from tests.helpers.github.shapes import Shapes

MODULES = (graphql_fields, graphql_mutations, graphql_pulls)
"""They have registered their fields by being imported."""


def answer(repository: Repository, limits: Limits, shapes: Shapes, token: Token, body: Mapping[str, Any]) -> Any:
    """The JSON for a request; what is wrong with it stands in `errors`. Raises a 403 where limits are exceeded."""
    try:
        document = parse(body["query"])
    except Unparsable as problem:
        return {"errors": [{"message": str(problem), "locations": [{"line": problem.line, "column": problem.column}]}]}
    operation = _operation(document, body.get("operationName"))
    if operation is None:
        return {"errors": [{"message": "An operation name is required"}]}
    values = {**operation.defaults, **(body.get("variables") or {})}
    check = Check(document, operation, values)
    if errors := check.run():
        return {"errors": errors}
    account = token.account.login
    if not limits.budget(account, "graphql").remaining:
        return {"errors": [{"type": "RATE_LIMITED", "message": f"API rate limit exceeded for user {account}."}]}
    limits.spend(account, "graphql", check.cost)
    if operation.kind == "mutation":
        limits.create(account)
    context = Context(repository, limits, shapes, token, check.cost, check.nodes)
    return _Run(context, document, values).run(operation)


def _operation(document: Document, name: str | None) -> Operation | None:
    fitting = [operation for operation in document.operations if name in (None, operation.name)]
    return fitting[0] if len(fitting) == 1 else None


@dataclass(frozen=True)
class _Page:
    """A part of a list: all of it, and where the part begins and ends."""

    items: Sequence[Any]
    start: int
    end: int


@dataclass
class _Run:
    context: Context
    document: Document
    values: Mapping[str, Any]
    errors: list[Error] = field(default_factory=list)

    def run(self, operation: Operation) -> Any:
        root = "Query" if operation.kind == "query" else "Mutation"
        data = self._object(operation.selections, root, None, [])
        return {"data": data, "errors": self.errors} if self.errors else {"data": data}

    def _object(self, selections: list[Selection], kind: str, value: Any, path: list[Any]) -> dict[str, Any]:
        return {
            asked.key: self._field(asked, kind, value, [*path, asked.key])
            for asked in self._merged(self._collected(selections, kind))
        }

    def _collected(self, selections: list[Selection], kind: str) -> list[Field]:
        """The fields that are asked of a value of this type, with those of fragments about it."""
        found: list[Field] = []
        for selection in selections:
            if isinstance(selection, Field):
                found.append(selection)
                continue
            inline = self.document.fragments[selection.name] if isinstance(selection, Spread) else selection
            if inline.condition in (None, kind) or kind in POSSIBLE.get(inline.condition or "", ()):
                found += self._collected(inline.selections, kind)
        return found

    def _merged(self, fields: list[Field]) -> list[Field]:
        """Fields with the same name in the answer are one, with all that is asked of each."""
        merged: dict[str, Field] = {}
        for asked in fields:
            earlier = merged.get(asked.key)
            selections = [*earlier.selections, *asked.selections] if earlier else asked.selections
            merged[asked.key] = Field(asked.name, asked.key, asked.arguments, selections, asked.line, asked.column)
        return list(merged.values())

    def _field(self, asked: Field, kind: str, value: Any, path: list[Any]) -> Any:
        if asked.name == "__typename":
            return kind
        known = fields_of(kind)[asked.name]
        arguments = {name: self._value(given) for name, given in asked.arguments.items()}
        try:
            found = self._resolved(known, kind, asked.name, value, arguments)
        except Unavailable as problem:
            return self._failed(problem, asked, path)
        if known.base in CONNECTIONS:
            found = found if found is None else _paged(found, arguments)
        return self._completed(found, known, asked, path)

    def _resolved(self, known: Known, kind: str, name: str, value: Any, arguments: Mapping[str, Any]) -> Any:
        if isinstance(value, _Page):
            return _of_page(value, name)
        if kind.endswith("Edge"):
            return value[name]
        return known.resolve(self.context, value, arguments)

    def _completed(self, found: Any, known: Known, asked: Field, path: list[Any]) -> Any:
        if found is None or not is_composite(known.base):
            return found
        if known.type.startswith("["):
            return [self._one(item, known.base, asked, [*path, at]) for at, item in enumerate(found)]
        return self._one(found, known.base, asked, path)

    def _one(self, item: Any, declared: str, asked: Field, path: list[Any]) -> Any:
        kind = type_of(declared, item)
        if kind in RIGHTS:
            try:
                graphql_mutations.demand(self.context, RIGHTS[kind])
            except Unavailable as problem:
                return self._failed(problem, asked, path)
        return self._object(asked.selections, kind, item, path)

    def _failed(self, problem: Unavailable, asked: Field, path: list[Any]) -> None:
        place = {"line": asked.line, "column": asked.column}
        self.errors.append({"type": problem.kind, "path": path, "locations": [place], "message": str(problem)})

    def _value(self, given: Any) -> Any:
        """A value with those of variables put in."""
        if isinstance(given, Variable):
            return self.values.get(given.name)
        if isinstance(given, dict):
            return {name: self._value(item) for name, item in given.items()}
        return [self._value(item) for item in given] if isinstance(given, list) else given


def _paged(items: Sequence[Any], arguments: Mapping[str, Any]) -> _Page:
    """The part of a list that is asked for: https://relay.dev/graphql/connections.htm"""
    start = _position(arguments["after"]) + 1 if arguments.get("after") else 0
    end = _position(arguments["before"]) if arguments.get("before") else len(items)
    if arguments.get("first") is not None:
        end = min(end, start + arguments["first"])
    elif arguments.get("last") is not None:
        start = max(start, end - arguments["last"])
    return _Page(items, start, max(start, end))


def _of_page(page: _Page, name: str) -> Any:
    shown = page.items[page.start : page.end]
    if name == "pageInfo":
        return page
    if name in ("startCursor", "endCursor"):
        return _cursor(page.start if name == "startCursor" else page.start + len(shown) - 1) if shown else None
    answers = {
        "totalCount": len(page.items),
        "nodes": shown,
        "edges": [{"cursor": _cursor(page.start + at), "node": item} for at, item in enumerate(shown)],
        "hasNextPage": page.end < len(page.items),
        "hasPreviousPage": page.start > 0,
    }
    return answers[name]


def _cursor(position: int) -> str:
    return base64.b64encode(f"cursor:v2:{position}".encode()).decode()


def _position(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().rpartition(":")[2])
    except ValueError:
        raise Unavailable("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.") from None
