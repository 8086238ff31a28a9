"""The file that `UPDATER_REGISTRIES` names: descriptions of registries, by host as images name it or by pattern."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from updater.config import document
from updater.config.document import Document
from updater.config.problems import WRONG_SHAPE, Problem, misfit, named, near, shown
from updater.config.schema import fit
from updater.core.environment import key_of
from updater.core.yaml_nodes import YamlError
from updater.errors import Location, UsageError
from updater.registries import hosts
from updater.registries.descriptions import Description, contradictions, lacking
from updater.registries.logins import WAYS

VARIABLE = "UPDATER_REGISTRIES"
_MAX_BYTES = 1024 * 1024
_KEYS = [key_of(field.name) for field in fields(Description)]
_WANTED: Mapping[str, str] = {
    "insecure": WRONG_SHAPE["bool_type"],
    "calls-per-minute": "must be a whole number, 1 or more",
    "login": f"must be one of {', '.join(WAYS)}",
}
"""What the keys take that do not take text."""


def read(file: Path, environ: Mapping[str, str]) -> Mapping[str, Description]:
    """The descriptions in a file. Raises `UsageError` for what is wrong in it, the first thing with its line."""
    found = _document(file)
    problems = _problems(found, file.absolute().parent, environ)
    for problem in sorted(problems, key=lambda problem: found.line(problem.path)):
        raise _error(file, problem.message, found.line(problem.path), problem.hint)
    descriptions = {_name(key): fit(Description, said) for key, said in found.value.items()}
    return {
        name: description.below(file.absolute().parent)
        for name, description in descriptions.items()
        if name is not None and description is not None
    }


def _document(file: Path) -> Document:
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
    except OSError as error:
        hint = "correct the variable, or mount the file there"
        raise UsageError(f"{VARIABLE}: {file} cannot be read: {error.strerror}", hint=hint) from error
    if len(content) > _MAX_BYTES:
        raise _error(file, f"the file is longer than {_MAX_BYTES} bytes")
    try:
        return document.read(content.decode())
    except UnicodeDecodeError as error:
        raise _error(file, "the file is not UTF-8 text", content.count(b"\n", 0, error.start) + 1) from error
    except YamlError as error:
        raise _error(file, error.message, error.line) from error


def _name(key: str) -> str | None:
    """The host, or the pattern, that a key of the file stands for; None where it is neither."""
    return key if hosts.is_pattern(key) else hosts.named(key)


def _problems(found: Document, folder: Path, environ: Mapping[str, str]) -> Iterator[Problem]:
    if not isinstance(found.value, dict):
        yield misfit((), "must be a mapping of registries, by host", found.value)
        return
    names = set()
    for key, said in found.value.items():
        name = _name(key)
        if name is None:
            hint = "write it as images do, as in registry.example.org:5000, or *.example.org for many"
            yield Problem((key,), f"{shown(key)} is no host of a registry", hint)
        elif name in names:
            yield Problem((key,), f"{shown(key)}: the registry {name} is described twice")
        names.add(name)
        for problem in _description(name or "", said, folder, environ):
            message = f"{shown(key)}: {problem.message}"
            yield replace(problem, path=(key, *problem.path), message=message)


def _description(host: str, said: Any, folder: Path, environ: Mapping[str, str]) -> Iterator[Problem]:
    if not isinstance(said, dict):
        yield Problem((), "must be a mapping of keys", f"known here: {', '.join(_KEYS)}")
        return
    yield from (problem for key, value in said.items() for problem in _key(key, value))
    description = fit(Description, said)
    if description is not None:
        yield from contradictions(host, description)
        yield from lacking(description.below(folder), environ)


def _key(key: str, value: Any) -> Iterator[Problem]:
    if key == "password":
        hint = "name a file or a variable that holds it: `password-file: …`, `password-env: …`"
        yield Problem((key,), "a password does not belong in this file", hint)
    elif key not in _KEYS:
        yield Problem((key,), f"unknown key `{named((key,))}`", near(key, _KEYS) or f"known here: {', '.join(_KEYS)}")
    elif value is None or fit(Description, {key: value}) is None:
        problem = misfit((key,), _WANTED.get(key, WRONG_SHAPE["string_type"]), value)
        yield replace(problem, hint=near(str(value), WAYS)) if key == "login" else problem


def _error(file: Path, message: str, line: int | None = None, hint: str | None = None) -> UsageError:
    return UsageError(message, at=Location(str(file), line), hint=hint)
