"""GitHub's own description of its REST API (OpenAPI 3.0), and whether calls keep to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT4

_NAME = "urn:github"
_UNDESCRIBED = "/components/schemas/basic-error"
"""What errors look like that the description leaves out: it names 401 and 429, say, almost nowhere."""


class Description:
    """What calls look like. Each method gives what is wrong with a call; an empty text is nothing."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document: dict[str, Any] = _as_json_schema(document)
        self._registry: Registry[Any] = Registry().with_resource(_NAME, DRAFT4.create_resource(self._document))
        self._validators: dict[str, Draft4Validator] = {}

    @cached_property
    def notifying(self) -> frozenset[tuple[str, str]]:
        """The methods and paths that notify people, and are slowed down for that."""
        return frozenset(
            (method.upper(), template)
            for template, calls in self._document["paths"].items()
            for method, call in calls.items()
            if method != "parameters" and call.get("x-github", {}).get("triggersNotification")
        )

    def knows(self, method: str, template: str) -> bool:
        return method.lower() in self._document["paths"].get(template, {})

    def wrong_query(self, method: str, template: str, query: Mapping[str, str]) -> str:
        """What is wrong with the part of a URL after the question mark."""
        listed = [self._resolved(given)[1] for given in self._operation(method, template).get("parameters", [])]
        known = dict.fromkeys(("page", "per_page"), {"type": "integer"})  # libraries send them to whatever is a list
        known |= {parameter["name"]: parameter["schema"] for parameter in listed if parameter["in"] == "query"}
        for name, text in query.items():
            if name not in known:
                return f"there is no parameter {name!r}"
            if error := next(Draft4Validator(known[name]).iter_errors(_typed(text, known[name])), None):
                return f"{name}: {error.message}"
        return ""

    def wrong_request(self, method: str, template: str, body: Any) -> str:
        """What is wrong with the JSON of a request; names that the description does not have are."""
        described = self._operation(method, template).get("requestBody")
        if described is None or body is None:
            return "there should be no body" if body else self._missing(described)
        pointer = f"{self._pointer(method, template)}/requestBody/content/application~1json/schema"
        names = _names(self._resolved({"$ref": f"#{pointer}"})[1])
        if names and isinstance(body, dict) and (unknown := sorted(body.keys() - names)):
            return f"there is no {', '.join(unknown)}"
        return self._wrong(pointer, body)

    def wrong_answer(self, method: str, template: str, status: int, body: Any) -> str:
        """What is wrong with an answer."""
        described = self._operation(method, template)["responses"].get(str(status))
        if described is None:
            return self._wrong(_UNDESCRIBED, body) if status >= 400 else f"{status} is not among the answers"
        pointer, response = self._resolved({"$ref": f"#{self._pointer(method, template)}/responses/{status}"})
        if "application/json" not in response.get("content", {}):
            return "there should be no body" if status < 300 and body is not None else ""
        return self._wrong(f"{pointer}/content/application~1json/schema", body)

    def _operation(self, method: str, template: str) -> Any:
        return self._document["paths"][template][method.lower()]

    def _pointer(self, method: str, template: str) -> str:
        return f"/paths/{template.replace('/', '~1')}/{method.lower()}"

    def _resolved(self, described: Any, pointer: str = "") -> tuple[str, Any]:
        """What a reference leads to, and where it stands."""
        while "$ref" in described:
            pointer = described["$ref"].removeprefix("#")
            described = self._registry.resolver(_NAME).lookup(f"#{pointer}").contents
        return pointer, described

    def _missing(self, described: Any) -> str:
        return "the body is missing" if described and described.get("required") else ""

    def _wrong(self, pointer: str, body: Any) -> str:
        if pointer not in self._validators:
            self._validators[pointer] = Draft4Validator({"$ref": f"{_NAME}#{pointer}"}, registry=self._registry)
        error = best_match(self._validators[pointer].iter_errors(body))
        return f"{error.json_path}: {error.message[:300]}" if error else ""


@cache
def load(path: Path) -> Description:
    """The description in a file."""
    return Description(json.loads(path.read_text()))


def _as_json_schema(value: Any) -> Any:
    """OpenAPI 3.0 has a `nullable` of its own where JSON Schema has one more type."""
    if isinstance(value, list):
        return [_as_json_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = {name: _as_json_schema(item) for name, item in value.items() if name != "nullable"}
    return {"anyOf": [schema, {"type": "null"}]} if value.get("nullable") is True else schema


def _names(schema: Any) -> frozenset[str]:
    """The names that an object may have; empty where the description leaves that open."""
    return frozenset(schema.get("properties", {}))


def _typed(text: str, schema: Mapping[str, Any]) -> object:
    if schema.get("type") == "integer" and text.isdecimal():
        return int(text)
    return {"true": True, "false": False}.get(text, text) if schema.get("type") == "boolean" else text
