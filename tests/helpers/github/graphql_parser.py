"""GraphQL texts: operations, fields, arguments, variables and fragments (https://spec.graphql.org, section 2).

Directives and subscriptions are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.helpers.github.graphql_syntax import Document, Field, Inline, Operation, Selection, Spread, Symbol, Variable

_TOKEN = re.compile(
    r"(?P<skip>[\s,﻿]+|\#[^\n]*)|(?P<punctuator>\.\.\.|[!$(){}\[\]:=@|&])|(?P<name>[A-Za-z_]\w*)"
    r'|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<text>"""(?:[^"]|"(?!""))*"""|"(?:[^"\\\n]|\\.)*")'
)
_WORDS = {"true": True, "false": False, "null": None}


class Unparsable(Exception):
    """The text is not GraphQL. `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int
    column: int


def parse(text: str) -> Document:
    """The operations and fragments of a text; raises `Unparsable`."""
    return _Parser(text).document()


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text):
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise Unparsable(f'Unexpected character "{text[at]}"', line, column)
        if match.lastgroup != "skip":
            found.append(_Token(match.lastgroup, match[0], line, column))
        at = match.end()
    return [*found, _Token("end", "end of file", text.count("\n") + 1, 1)]


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def document(self) -> Document:
        operations: list[Operation] = []
        fragments: dict[str, Inline] = {}
        while self._next.kind != "end":
            if self._takes("fragment"):
                name = self._name()
                self._demand("on")
                fragments[name] = Inline(self._name(), self._selections())
            else:
                operations.append(self._operation())
        return Document(operations, fragments)

    def _operation(self) -> Operation:
        if self._next.text == "{":
            return Operation("query", None, self._selections())
        if self._next.text not in ("query", "mutation"):
            raise self._unexpected()
        kind = self._taken().text
        name = self._name() if self._next.kind == "name" else None
        variables: dict[str, str] = {}
        defaults: dict[str, Any] = {}
        if self._takes("("):
            while not self._takes(")"):
                self._variable(variables, defaults)
        return Operation(kind, name, self._selections(), variables, defaults)

    def _variable(self, variables: dict[str, str], defaults: dict[str, Any]) -> None:
        self._demand("$")
        name = self._name()
        self._demand(":")
        variables[name] = self._type()
        if self._takes("="):
            defaults[name] = self._value()

    def _type(self) -> str:
        if self._takes("["):
            inner = f"[{self._type()}]"
            self._demand("]")
        else:
            inner = self._name()
        return f"{inner}!" if self._takes("!") else inner

    def _selections(self) -> list[Selection]:
        self._demand("{")
        found = [self._selection()]
        while not self._takes("}"):
            found.append(self._selection())
        return found

    def _selection(self) -> Selection:
        if not self._takes("..."):
            return self._field()
        if self._takes("on"):
            return Inline(self._name(), self._selections())
        return Inline(None, self._selections()) if self._next.text == "{" else Spread(self._name())

    def _field(self) -> Field:
        start = self._next
        key = name = self._name()
        if self._takes(":"):
            name = self._name()
        arguments = self._pairs(")", self._value) if self._takes("(") else {}
        selections = self._selections() if self._next.text == "{" else []
        return Field(name, key, arguments, selections, start.line, start.column)

    def _pairs(self, end: str, value: Callable[[], Any]) -> dict[str, Any]:
        found = {}
        while not self._takes(end):
            name = self._name()
            self._demand(":")
            found[name] = value()
        return found

    def _value(self) -> Any:
        if self._takes("$"):
            return Variable(self._name())
        if self._takes("{"):
            return self._pairs("}", self._value)
        if self._takes("["):
            found = []
            while not self._takes("]"):
                found.append(self._value())
            return found
        return self._scalar()

    def _scalar(self) -> Any:
        if self._next.kind not in ("name", "number", "text"):
            raise self._unexpected()
        token = self._taken()
        if token.kind == "name":
            return _WORDS[token.text] if token.text in _WORDS else Symbol(token.text)
        if token.text.startswith('"""'):
            return token.text[3:-3].strip()
        return json.loads(token.text)

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _taken(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, text: str) -> bool:
        is_there = self._next.text == text and self._next.kind in ("punctuator", "name")
        self._at += is_there
        return is_there

    def _demand(self, text: str) -> None:
        if not self._takes(text):
            raise self._unexpected()

    def _name(self) -> str:
        if self._next.kind != "name":
            raise self._unexpected()
        return self._taken().text

    def _unexpected(self) -> Unparsable:
        token = self._next
        return Unparsable(f'Unexpected "{token.text}" at [{token.line}, {token.column}]', token.line, token.column)
