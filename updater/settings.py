"""Settings from the environment, and their defaults. Command-line options come before them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from updater.errors import UsageError
from updater.model import Identity

_IDENTITY = re.compile(r"([^<>\x00-\x1f]+?) *<([^<>\s]+)>")
_DEFAULT_IDENTITY = Identity("manifest-updater", "manifest-updater@localhost")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the updater is told from outside the repository. `repository` is None where nothing names one, `forge` where
    it follows from the repository."""

    repository: str | None
    forge: str | None
    state: Path
    username: str | None
    password: str | None = field(repr=False)
    author: Identity
    committer: Identity
    git_seconds: float


def read(environ: Mapping[str, str]) -> Settings:
    """Settings from `UPDATER_*` variables. Raises `UsageError` naming the variable that is wrong."""
    author = _identity(environ, "UPDATER_AUTHOR") or _DEFAULT_IDENTITY
    return Settings(
        repository=environ.get("UPDATER_REPO") or None,
        forge=environ.get("UPDATER_FORGE") or None,
        state=_state(environ),
        username=environ.get("UPDATER_GIT_USERNAME") or None,
        password=secret(environ, "UPDATER_GIT_PASSWORD"),
        author=author,
        committer=_identity(environ, "UPDATER_COMMITTER") or author,
        git_seconds=_seconds(environ, "UPDATER_GIT_TIMEOUT", 120.0),
    )


def _state(environ: Mapping[str, str]) -> Path:
    if named := environ.get("UPDATER_STATE_DIR"):
        return Path(named).expanduser().absolute()
    cache = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "/var/cache")) / ".cache")
    return Path(cache).absolute() / "manifest-updater"


def secret(environ: Mapping[str, str], name: str) -> str | None:
    """A secret from the variable `name`, or from the file that `<name>_FILE` names; the file comes first.

    Raises `UsageError` where that file cannot be read.
    """
    file = environ.get(f"{name}_FILE")
    if not file:
        return environ.get(name) or None
    try:
        return Path(file).read_text().rstrip("\r\n") or None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}_FILE: {file} cannot be read: {error}") from error


def _identity(environ: Mapping[str, str], name: str) -> Identity | None:
    text = environ.get(name)
    if not text:
        return None
    found = _IDENTITY.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{name} is {text!r}", hint="write it as `Name <name@example.org>`")
    return Identity(found[1], found[2])


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name)
    try:
        seconds = float(text) if text else default
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86400:
        raise UsageError(f"{name} is {text!r}", hint="give seconds, for instance 60")
    return seconds
