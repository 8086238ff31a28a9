"""Docker's credential helpers: programs that keep or make logins, one for each kind of store or cloud.

Source: the README of docker/docker-credential-helpers ("Development"), and "Credential helper protocol" in the
documentation of `docker login`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from updater.adapters import process
from updater.errors import RegistryRefused, RegistryUnavailable
from updater.registries.credentials import Secret

SECONDS = 30.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NONE = b"credentials not found"
_IDENTITY_TOKEN = "<token>"  # noqa: S105  (what stands in the place of a user's name)
_OURS = "UPDATER_"


def ask(name: str, server: str, environ: Mapping[str, str]) -> Secret | None:
    """What the helper `docker-credential-<name>` has for a server, as the store knows that; None if that is nothing.

    Raises `RegistryError`. What the helper wrote is not told, since it may be secret.
    """
    if not _NAME.fullmatch(name):
        hint = "write what follows `docker-credential-` in the name of the program"
        raise RegistryRefused(f"{name[:80]!r} is no name of a credential helper", hint=hint)
    program = f"docker-credential-{name}"
    finished = _run(program, server, environ)
    if finished.code is None:
        raise RegistryUnavailable(f"{program} did not say within {SECONDS:.0f} s who logs in to {server}")
    if finished.code == 0:
        return _read(program, server, finished.stdout)
    if _NONE in finished.stdout + finished.stderr:
        return None
    hint = f"try `echo {server} | {program} get` as the user and with the variables of the updater"
    raise RegistryRefused(f"{program} failed for {server} with exit code {finished.code}", hint=hint)


def _run(program: str, server: str, environ: Mapping[str, str]) -> process.Finished:
    # Of the rest nobody can say what a helper needs: the home of a key ring, the variables of its cloud, a proxy.
    kept = {name: value for name, value in environ.items() if not name.startswith(_OURS)}
    try:
        return process.run(
            [program, "get"], folder=Path("/"), environment=kept, seconds=SECONDS, stdin=f"{server}\n".encode()
        )
    except OSError as error:
        hint = "install it and see that it is on the PATH, or name another way in the `login` of the registry"
        raise RegistryRefused(f"{program} cannot be started for {server}: {error.strerror}", hint=hint) from error


def _read(program: str, server: str, stdout: bytes) -> Secret:
    try:
        said = json.loads(stdout)
        username, password = said["Username"], said["Secret"]
    except (ValueError, RecursionError, KeyError, TypeError):
        username = password = None
    if not (isinstance(username, str) and isinstance(password, str) and password):
        raise RegistryRefused(f"{program} did not answer for {server} as credential helpers do", hint=_AS_THEY_DO)
    return Secret("refresh" if username == _IDENTITY_TOKEN else "basic", username, password)


_AS_THEY_DO = "they write JSON with `Username` and `Secret`"
