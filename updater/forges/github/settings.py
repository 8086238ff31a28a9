"""Which repository on which GitHub, and as whom: from the remote's URL and `UPDATER_GITHUB_*`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from updater import settings
from updater.core.urls import is_safe
from updater.errors import UsageError

_API = "https://api.github.com"
_PATH = re.compile(r"/*(?P<owner>[A-Za-z0-9_-]+)/(?P<name>(?!\.{0,2}(?:\.git)?/*$)[A-Za-z0-9._-]+?)(?:\.git)?/*")
_SCP_LIKE = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/]+):(?P<path>.+)")
_TOKEN = "UPDATER_GITHUB_TOKEN"  # noqa: S105
_APP = "UPDATER_GITHUB_APP_ID"
_KEY = "UPDATER_GITHUB_APP_KEY"


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App and its private key."""

    id: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """A repository on a GitHub, and who asks. `api` is the base URL of the REST API.

    `takes_token` is whether git may be given our token for its remote: it asks the same host by HTTP.
    """

    api: str
    owner: str
    name: str
    takes_token: bool
    login: str | App = field(repr=False)

    @property
    def repository(self) -> str:
        """As people write it."""
        return f"{self.owner}/{self.name}"

    @property
    def variables(self) -> str:
        """Where the token or key is set."""
        return f"{_APP} and {_KEY}" if isinstance(self.login, App) else _TOKEN


def place(url: str, environ: Mapping[str, str]) -> Place:
    """Where a remote is. Raises `UsageError` naming what is missing or wrong."""
    scheme, host, path = _parts(url)
    found = _PATH.fullmatch(path)
    if found is None:
        hint = "give it as https://github.com/OWNER/NAME, or set UPDATER_FORGE to the forge that has it"
        raise UsageError(f"{url} is no repository on GitHub", hint=hint)
    api = _api(environ, host if scheme in ("http", "https") else None)
    is_same_host = host in (urlsplit(api).hostname, (urlsplit(api).hostname or "").removeprefix("api."))
    takes_token = scheme in ("http", "https") and is_same_host
    return Place(api, found["owner"], found["name"], takes_token, _login(environ))


def _parts(url: str) -> tuple[str, str, str]:
    """Scheme, host and path of a URL, or of ssh's short form."""
    if "://" in url:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.path
    found = _SCP_LIKE.fullmatch(url)
    return ("ssh", found["host"], found["path"]) if found else ("", "", "")


def _api(environ: Mapping[str, str], host: str | None) -> str:
    given = environ.get("UPDATER_GITHUB_API", "").rstrip("/")
    hint = "for GitHub Enterprise Server it is https://HOST/api/v3"
    if not given and host not in (None, "github.com"):
        raise UsageError(f"UPDATER_GITHUB_API is not set, and {host} is not github.com", hint=hint)
    url = given or _API
    if not is_safe(url) or "@" in urlsplit(url).netloc or urlsplit(url).query:
        raise UsageError("UPDATER_GITHUB_API is no https:// URL of an API", hint=hint)
    return url


def _login(environ: Mapping[str, str]) -> str | App:
    token = settings.secret(environ, _TOKEN)
    app, key = environ.get(_APP), settings.secret(environ, _KEY)
    if token and not app and not key:
        return _sendable(token)
    if app and key and not token:
        # Where a variable has to be one line, people write the ends of lines as \n.
        return App(app, key.replace("\\n", "\n"))
    what = "set one of them" if token else "nothing says who asks GitHub" if not app and not key else "both are needed"
    raise UsageError(
        f"{_TOKEN}, or {_APP} and {_KEY}: {what}",
        hint="a token needs `contents: write`, `pull requests: write`, `commit statuses: write`; *_FILE reads a file",
    )


def _sendable(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"{_TOKEN} has characters that no token has", hint="is it the whole token, and nothing else?")
    return token
