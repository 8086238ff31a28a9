"""What is said of a registry in the file of `UPDATER_REGISTRIES`, and what a well-formed description must not say."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from updater.config.problems import Problem
from updater.core.environment import SCHEMA, AtLeastOne, Text
from updater.errors import RegistryRefused
from updater.registries import hosts, logins
from updater.registries.logins import Way

CALLS_PER_MINUTE = 600
_HERE = "this machine alone (127.0.0.1, ::1, localhost)"
_BY_HTTPS = "let it answer by https; `ca` names the certificates of an authority of your own"


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of a registry, or of all those that a pattern fits. Its keys are those of the file."""

    __pydantic_config__: ClassVar[Any] = SCHEMA

    url: Text | None = None
    ca: Text | None = None
    insecure: bool | None = None
    login: Way | None = None
    username: Text | None = None
    password_file: Text | None = None
    password_env: Text | None = None
    calls_per_minute: AtLeastOne = CALLS_PER_MINUTE

    def below(self, folder: Path) -> Description:
        """The same, with the files that it names in full, relative to a folder."""
        ca, password = (str(folder / file) if file else None for file in (self.ca, self.password_file))
        return replace(self, ca=ca, password_file=password)


def contradictions(host: str, said: Description) -> Iterator[Problem]:
    """What does not go together in the description of a host or pattern."""
    yield from _address(host, said)
    keys = {"username": said.username, "password-file": said.password_file, "password-env": said.password_env}
    given = [key for key, value in keys.items() if value is not None]
    if said.login != "basic":
        for key in given:
            yield Problem((key,), f"`{key}` has no effect without `login: basic`")
    elif given not in (["username", "password-file"], ["username", "password-env"]):
        hint = "a token is a password, too; where it has no user, write any name"
        yield Problem(
            ("login",), "`login: basic` needs `username`, and one of `password-file` and `password-env`", hint
        )


def lacking(said: Description, environ: Mapping[str, str]) -> Iterator[Problem]:
    """What a description names that is not on this machine."""
    if said.ca is not None and (why := _no_authority(said.ca)):
        yield Problem(("ca",), f"{said.ca} {why}", "it is a file of certificates in PEM")
    try:
        match said.login:
            case "google" | "ecr" | "acr":
                logins.usable(said.login)
            case "basic":
                logins.by_password(said.username or "", said.password_file, said.password_env, environ)
    except RegistryRefused as error:
        yield Problem(("login",), error.message, error.hint)


def _address(host: str, said: Description) -> Iterator[Problem]:
    if said.url is not None:
        if "*" in host:
            yield Problem(("url",), "a pattern is for many registries, which cannot all answer at one `url`")
        if why := _wrong_url(said.url):
            yield Problem(("url",), f"`url` {why}", "write it as https://registry.example.org")
        if said.insecure is not None:
            yield Problem(("insecure",), "`url` says by itself whether it is http", "take `insecure` out")
    elif said.insecure and not hosts.is_loopback(host):
        yield Problem(("insecure",), f"`insecure` is for {_HERE}", _BY_HTTPS)
    if said.ca is not None and (said.insecure or (said.url or "").startswith("http://")):
        yield Problem(("ca",), "there are no certificates with http, so `ca` has no effect", "take it out")


def _wrong_url(url: str) -> str | None:
    """What is wrong with a URL. It is not told itself: there may be a password in it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("https", "http"):
        return "is no https:// URL"
    if "@" in parts.netloc:
        return "has a user or a password in it, and those are told by `login`"
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        return "goes on behind the host: registries answer at /v2/ right there"
    if parts.scheme == "http" and not hosts.is_loopback(parts.netloc):
        return f"is no https:// URL, and http is for {_HERE}"
    return None


def _no_authority(ca: str) -> str | None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca)
    except ssl.SSLError:
        return "holds no certificate"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None
