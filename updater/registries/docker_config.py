"""The logins that `docker login` and `podman login` leave on a machine, and Kubernetes mounts as pull secrets.

Source: docker/cli, "Configuration files" and "Credential stores" in the reference of `docker login`;
containers-auth.json(5) of podman. Keys for a part of a registry (`quay.io/acme`) are not read.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from updater.core import references
from updater.errors import RegistryRefused
from updater.registries import docker_helpers
from updater.registries.credentials import Secret
from updater.registries.hosts import named

MAX_BYTES = 1024 * 1024
_HUB_KEY = "https://index.docker.io/v1/"
_KEY = re.compile(r"(?:https?://)?([^/]+)(?:/|/v[12]/?)?")
_AGAIN = "`docker login` writes it anew"


@dataclass(frozen=True, slots=True)
class Config:
    """What one file says. `auths` and `helpers` are by host; a login has the key under which it was written."""

    file: Path
    auths: Mapping[str, tuple[str, Mapping[str, Any]]] = field(repr=False)
    helpers: Mapping[str, str]
    store: str | None


def hosts(environ: Mapping[str, str]) -> list[str]:
    """The registries for which there is a login, or a helper that is for them alone. Raises `RegistryRefused`.

    A `credsStore` names none: `docker login` notes in `auths` for which registries it keeps a login there.
    """
    return list(dict.fromkeys(host for config in _configs(environ) for host in (*config.helpers, *config.auths)))


def secret(host: str, environ: Mapping[str, str]) -> Secret | None:
    """The login for a host, of the first file that has one; None where none has. Raises `RegistryError`.

    Files are read anew when they have changed.
    """
    found = (_secret(host, config, environ) for config in _configs(environ))
    return next((each for each in found if each is not None), None)


def _configs(environ: Mapping[str, str]) -> Iterator[Config]:
    """What is said in the files that are there, the one first that is named for this alone."""
    for file in _files(environ):
        try:
            stat = file.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise _unreadable(file, error) from error
        yield _read(file, (stat.st_ino, stat.st_mtime_ns, stat.st_size))


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    if named_file := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named_file)
    if folder := environ.get("DOCKER_CONFIG"):
        yield Path(folder, "config.json")
    elif home := environ.get("HOME"):
        yield Path(home, ".docker", "config.json")
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "containers", "auth.json")


@lru_cache(maxsize=8)
def _read(file: Path, _stamp: tuple[int, int, int]) -> Config:
    """What a file says; the stamp is what tells that it has changed."""
    said = _json(file)
    # A plain host comes before the same one written as an address.
    auths = sorted(_mapping(file, said, "auths", dict).items(), key=lambda item: "/" in item[0])
    by_host: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for key, entry in auths:
        if (host := _host(key)) is not None:
            by_host.setdefault(host, (key, entry))
    helpers = _mapping(file, said, "credHelpers", str).items()
    store = said.get("credsStore")
    return Config(
        file,
        by_host,
        {host: name for key, name in helpers if (host := _host(key)) is not None},
        store if isinstance(store, str) and store else None,
    )


def _json(file: Path) -> Mapping[str, Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES)  # and a longer one, cut off, is no JSON
    except OSError as error:
        raise _unreadable(file, error) from error
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise _wrong(file, "it is no JSON with a mapping in it")
    return said


def _mapping(file: Path, said: Mapping[str, Any], name: str, kind: type) -> Mapping[str, Any]:
    found = said.get(name) or {}
    if not isinstance(found, dict) or not all(isinstance(each, kind) for each in found.values()):
        raise _wrong(file, f"`{name}` is no mapping of registries")
    return found


def _host(key: str) -> str | None:
    match = _KEY.fullmatch(key)
    return None if match is None else named(match[1])


def _secret(host: str, config: Config, environ: Mapping[str, str]) -> Secret | None:
    key, entry = config.auths.get(host, (_HUB_KEY if host == references.DOCKER_HUB else host, {}))
    if helper := config.helpers.get(host):
        return docker_helpers.ask(helper, key, environ)
    written = _written(host, entry, config.file)
    if written is None and config.store is not None:
        return docker_helpers.ask(config.store, key, environ)
    return written


def _written(host: str, entry: Mapping[str, Any], file: Path) -> Secret | None:
    """A login that stands in the file itself."""
    texts = {name: value for name, value in entry.items() if isinstance(value, str) and value}
    username, password = texts.get("username", ""), texts.get("password", "")
    if "auth" in texts:
        username, password = _decoded(texts["auth"], host, file)
    if "registrytoken" in texts:
        return Secret("bearer", username, texts["registrytoken"])
    if "identitytoken" in texts:
        return Secret("refresh", username, texts["identitytoken"])
    return Secret("basic", username, password) if username and password else None


def _decoded(auth: str, host: str, file: Path) -> tuple[str, str]:
    try:
        username, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if not colon:
        raise _wrong(file, f"the `auth` of {host} is no user and password in base64")
    return username, password


def _wrong(file: Path, why: str) -> RegistryRefused:
    return RegistryRefused(f"{file} holds no logins of docker: {why}", hint=_AGAIN)


def _unreadable(file: Path, error: OSError) -> RegistryRefused:
    hint = "let the user read it that the updater runs as, or set DOCKER_CONFIG to another folder"
    return RegistryRefused(f"{file} cannot be read: {error.strerror}", hint=hint)
