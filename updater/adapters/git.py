"""git's own commands, run against one remote: listing, cloning, fetching and pushing.

`Remote` says where and as whom; `Git` runs commands in a bare repository. Credentials go to git through
its environment only, so they are in no argument list, no URL and no message.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from updater.adapters import process
from updater.errors import GitError, RemoteUnavailable, UsageError

_KEPT = frozenset(
    {
        "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH", "GIT_SSH",
        "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GNUPGHOME", "GPG_AGENT_INFO", "HOME", "HTTPS_PROXY", "HTTP_PROXY",
        "LOGNAME", "NO_PROXY", "PATH", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "TMPDIR", "USER", "XDG_CONFIG_HOME",
        "http_proxy", "https_proxy", "no_proxy",
    }
)  # fmt: skip
_KEPT_PREFIXES = ("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
_PROTOCOLS = "file:git:http:https:ssh"
_SCP_LIKE = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:.+")
_ANSWER = r'printf "username=%s\npassword=%s\n" "$UPDATER_GIT_USERNAME" "$UPDATER_GIT_PASSWORD"'
_HELPER = f'!f() {{ test "$1" = get && {_ANSWER}; }}; f'
_UNAVAILABLE = re.compile(
    r"could not resolve|connection (refused|reset|timed out|closed)|timed out|unexpected disconnect|early eof|hung up"
    r"|couldn't connect|failed to connect|network is unreachable|no route to host|error: 5\d\d|rpc failed|broken pipe",
    re.IGNORECASE,
)
_UNAUTHENTICATED = re.compile(
    r"authentication failed|could not read (username|password)|permission denied|error: 40[13]|access denied",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"not found|does not exist|does not appear to be a git repository|not a git repository", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Remote:
    """Where the GitOps repository is. `url` never holds credentials; `seconds` limits each command."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    seconds: float = 120.0


def remote(url: str, *, username: str | None = None, password: str | None = None, seconds: float = 120.0) -> Remote:
    """A remote by path or URL. A user and password inside the URL are taken out of it.

    Raises `UsageError` for anything that is neither a path nor a `file`, `git`, `http`, `https` or `ssh` URL.
    """
    if not url or url.startswith("-") or any(ord(letter) < 32 for letter in url):
        raise UsageError(f"{url!r} is not a repository", hint="give a path or a URL with --repo or UPDATER_REPO")
    if "://" not in url:
        place = url if _SCP_LIKE.fullmatch(url) else str(Path(url).expanduser().resolve())
        return Remote(place, username, password, seconds)
    parts = urlsplit(url)
    if parts.scheme not in _PROTOCOLS.split(":"):
        raise UsageError(
            f"{parts.scheme}:// is no kind of repository that is supported", hint="use https, ssh or a path"
        )
    if parts.scheme in ("http", "https") and "@" in parts.netloc:
        user, _, host = parts.netloc.rpartition("@")
        inside_user, _, inside_password = user.partition(":")
        url = urlunsplit(parts._replace(netloc=host))
        username, password = username or unquote(inside_user), password or unquote(inside_password)
    return Remote(url, username, password, seconds)


class Git:
    """Runs git in one bare repository, for one remote."""

    def __init__(self, remote: Remote, folder: Path) -> None:
        self.remote = remote
        self.folder = folder

    def run(self, *arguments: str, stdin: bytes = b"") -> process.Finished:
        """One git command, whatever comes of it."""
        return self._run(arguments, {}, stdin)

    def check(self, *arguments: str, stdin: bytes = b"", identity: Mapping[str, str] | None = None) -> bytes:
        """The output of one git command. Raises `GitError` (or a kind of it) unless it succeeds."""
        finished = self._run(arguments, identity or {}, stdin)
        if finished.code != 0:
            raise self.failure(finished, arguments[0])
        return finished.stdout

    def is_locked_out(self, finished: process.Finished) -> bool:
        """Whether the remote answered that these credentials may not do this."""
        return finished.code is not None and _UNAUTHENTICATED.search(finished.message()) is not None

    def failure(self, finished: process.Finished, doing: str) -> GitError:
        """What went wrong, in words, and what to do about it."""
        told = self._without_secrets(finished.message())
        last = told.splitlines()[-1].removeprefix("fatal: ") if told else f"git ended with code {finished.code}"
        if finished.code is None:
            return RemoteUnavailable(
                f"{self.remote.url} did not answer `git {doing}` within {self.remote.seconds:g} s",
                hint="is the remote up? UPDATER_GIT_TIMEOUT gives it longer",
            )
        if _UNAUTHENTICATED.search(told):
            return GitError(f"{self.remote.url} does not let us in: {last}", hint=_CREDENTIALS)
        if _UNAVAILABLE.search(told):
            return RemoteUnavailable(f"{self.remote.url} cannot be reached: {last}", hint="try again when it is back")
        if "dubious ownership" in told:
            return GitError(
                f"git does not trust {self.remote.url}: another user owns it", hint="see `git help safe.directory`"
            )
        if _NOT_FOUND.search(told):
            return GitError(
                f"there is no git repository at {self.remote.url}: {last}", hint="check --repo or UPDATER_REPO"
            )
        return GitError(f"`git {doing}` failed for {self.remote.url}: {last}")

    def _run(self, arguments: Sequence[str], identity: Mapping[str, str], stdin: bytes) -> process.Finished:
        command = ("git", *arguments)
        environment = {**self._environment(), **identity}
        return process.run(
            command, folder=self.folder, environment=environment, seconds=self.remote.seconds, stdin=stdin
        )

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}
        kept |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": _PROTOCOLS, "GIT_OPTIONAL_LOCKS": "0"}
        if self.remote.password is None:
            return kept
        count = int(kept.get("GIT_CONFIG_COUNT", "0"))
        settings = (("credential.helper", ""), ("credential.helper", _HELPER))
        for number, (key, value) in enumerate(settings, count):
            kept |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return kept | {
            "GIT_CONFIG_COUNT": str(count + len(settings)),
            "UPDATER_GIT_USERNAME": self.remote.username or "git",
            "UPDATER_GIT_PASSWORD": self.remote.password,
        }

    def _without_secrets(self, text: str) -> str:
        if not self.remote.password:
            return text
        return text.replace(self.remote.password, "***").replace(quote(self.remote.password, safe=""), "***")


_CREDENTIALS = (
    "set up a git credential helper or an SSH key, or give UPDATER_GIT_USERNAME and UPDATER_GIT_PASSWORD(_FILE)"
)
