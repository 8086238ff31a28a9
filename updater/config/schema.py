"""Checks plain values against the dataclasses of `core.environment`, which pydantic turns into validators."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from updater.config.document import Path
from updater.config.problems import CHOICES, WRONG_SHAPE, Problem, misfit, problem, shape_of
from updater.core.environment import SCHEMA, Environment

T = TypeVar("T")


def fit(kind: type[T], value: Any) -> T | None:
    """`value` as an instance of the dataclass `kind`; None if it does not fit."""
    try:
        fitted: T = _validated(kind, value)
    except ValidationError:
        return None
    return fitted


def misfits(value: Any) -> tuple[Problem, ...]:
    """Every place at which the value of a whole file does not fit an environment."""
    try:
        _validated(Environment, value)
    except ValidationError as error:
        return tuple(_problems(error.errors(include_url=False)))
    return ()


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `environments/*.yaml`, for editors and other checkers."""
    # Descriptions are read from the source files, which takes longer than checking an environment.
    SCHEMA["use_attribute_docstrings"] = True
    try:
        described: TypeAdapter[Any] = TypeAdapter(Environment)
    finally:
        del SCHEMA["use_attribute_docstrings"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **described.json_schema(),
        "title": "Environment of a GitOps repository",
        "oneOf": [{"required": ["follow"]}, {"required": ["promote"]}],
        "examples": [
            {"overlays": "overlays/test/{service}", "follow": [{"image": "registry.example/models/*"}]},
            {"overlays": "overlays/staging/{service}", "promote": {"from": "test"}, "deliver": "pull-request"},
        ],
    }


def _validated(kind: type, value: Any) -> Any:
    # As JSON, where a list may stand for a tuple although nothing else is converted.
    return _adapter(kind).validate_json(json.dumps(value), strict=True)


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _problems(errors: Iterable[ErrorDetails]) -> Iterator[Problem]:
    located = [(*_located(error["loc"]), error) for error in errors]
    choices = {path: error for path, is_choice, error in located if is_choice and _is_other_choice(error)}
    details = [(path, error) for path, is_choice, error in located if not (is_choice and _is_other_choice(error))]
    around_details = {path[:length] for path, _ in details for length in range(len(path) + 1)}
    for path, error in details:
        yield problem(path, error["type"], error["input"], error.get("ctx", {}))
    for path in choices.keys() - around_details:
        yield misfit(path, CHOICES[shape_of(path)], choices[path]["input"])


def _located(loc: tuple[str | int, ...]) -> tuple[Path, bool]:
    """The path in the file, without the names that pydantic gives to tried shapes, and whether one came last."""
    path: Path = ()
    is_choice = False
    for part in loc:
        is_choice = not is_choice and shape_of(path) in CHOICES
        if not is_choice:
            path = (*path, part)
    return path, is_choice


def _is_other_choice(error: ErrorDetails) -> bool:
    """Whether the error says no more than that the value has not this shape but maybe another one."""
    return error["type"] in WRONG_SHAPE or (error["type"] == "too_short" and bool(error["input"]))
