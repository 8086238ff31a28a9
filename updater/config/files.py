"""From the folder `environments/` of a tree to checked environments."""

from __future__ import annotations

import re

from updater.config.checks import meaning
from updater.config.document import Document, Path, read
from updater.config.schema import fit, misfits
from updater.core import graph
from updater.core.environment import Configuration, Environment, NamedEnvironment
from updater.core.graph import Fault
from updater.core.yaml_nodes import YamlError
from updater.errors import ConfigurationError, Location
from updater.protocols import Tree

FOLDER = "environments"
MAX_BYTES = 1024 * 1024

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_YAML_ENDING = re.compile(r"\.ya?ml\Z", re.IGNORECASE)


class _Broken(Exception):
    """A file that cannot be used, with everything that is wrong with it."""

    def __init__(self, *errors: ConfigurationError) -> None:
        super().__init__(*errors)
        self.errors = errors


def load(tree: Tree, default_branch: str) -> Configuration:
    """The environments of a tree that are in order, and every error of the others, by file and line.

    An environment with an error is left out, and so is one that promotes from it. An environment without
    `branch` gets `default_branch`. Whatever the files hold, nothing is raised.
    """
    folder = tree.node(FOLDER)
    if folder is not None and folder.kind != "folder":
        return Configuration(errors=(_error(FOLDER, f"a {folder.kind}, where a folder has to be"),))
    documents: dict[str, Document] = {}
    environments: dict[str, NamedEnvironment] = {}
    errors: list[ConfigurationError] = []
    broken: set[str] = set()
    for file in tree.names(FOLDER):
        name = file.partition(".")[0]
        try:
            if _is_environment(tree, file):
                documents[name] = _document(tree, file)
                environments[name] = _environment(name, documents[name], default_branch)
        except _Broken as problem:
            errors += problem.errors
            broken.add(name)
    if not environments and not errors:
        hint = "describe one in environments/<name>.yaml, with `overlays` and `follow`"
        errors = [_error(FOLDER, "there is no environment: no file environments/*.yaml", hint)]
    faults = graph.faults({name: each.settings for name, each in environments.items()}, broken - environments.keys())
    errors += (_misled(fault, documents[fault.environment]) for fault in faults)
    usable = environments.keys() - {fault.environment for fault in faults}
    return Configuration(
        tuple(environments[name] for name in sorted(usable)),
        tuple(sorted(errors, key=_place)),
    )


def _is_environment(tree: Tree, file: str) -> bool:
    """Whether a name in the folder is an environment's file. Raises `_Broken` where it only looks like one."""
    path = f"{FOLDER}/{file}"
    node = tree.node(path)
    if node is not None and node.kind == "folder":
        raise _Broken(_error(path, "folders in here are not read", f"put the files into {FOLDER}/ itself"))
    ending = _YAML_ENDING.search(file)
    if node is None or ending is None:
        return False
    name = file[: ending.start()]
    if ending[0] != ".yaml":
        raise _Broken(_error(path, "only files that end in .yaml are read", f"rename it to {FOLDER}/{name}.yaml"))
    if not _NAME.fullmatch(name):
        hint = "lower-case letters and digits, with `-` between them, as in edge-eu.yaml"
        raise _Broken(_error(path, f"{name[:80]!r} cannot be the name of an environment", hint))
    if node.kind != "file":
        raise _Broken(_error(path, f"a {node.kind}, where a file has to be", "put the content itself here"))
    return True


def _document(tree: Tree, file: str) -> Document:
    path = f"{FOLDER}/{file}"
    content = tree.read(path)
    if len(content) > MAX_BYTES:
        raise _Broken(_error(path, f"the file has {len(content)} bytes; up to {MAX_BYTES} are read"))
    try:
        return read(content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _Broken(_error(path, "the file is not UTF-8 text", line=line)) from error
    except YamlError as error:
        raise _Broken(_error(path, error.message, _tab(content, error.line), error.line)) from error


def _tab(content: bytes, line: int) -> str | None:
    text = b"".join(content.splitlines()[line - 1 : line])
    return "indent with blanks: YAML takes no tabs there" if text.lstrip(b" ").startswith(b"\t") else None


def _environment(name: str, document: Document, default_branch: str) -> NamedEnvironment:
    path = f"{FOLDER}/{name}.yaml"
    settings = fit(Environment, document.value)
    problems = (*misfits(document.value), *meaning(document))
    if settings is None or problems:
        raise _Broken(*(_error(path, each.message, each.hint, document.line(each.path)) for each in problems))
    lines = tuple((str(key[0]), line) for key, line in document.lines.items() if len(key) == 1)
    return NamedEnvironment(name, path, settings.branch or default_branch, settings, lines)


def _misled(fault: Fault, document: Document) -> ConfigurationError:
    path: Path = ("promote", "from")
    written = document.at(path)
    if isinstance(written, list) and fault.source is not None:
        path = (*path, written.index(fault.source))
    return _error(f"{FOLDER}/{fault.environment}.yaml", fault.message, fault.hint, document.line(path))


def _error(path: str, message: str, hint: str | None = None, line: int | None = None) -> ConfigurationError:
    return ConfigurationError(message, at=Location(path, line), hint=hint)


def _place(error: ConfigurationError) -> tuple[str, int]:
    assert error.at is not None
    return error.at.path, error.at.line or 0
