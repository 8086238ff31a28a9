"""git's own commands, run against one remote: listing, cloning, fetching and pushing.

`Remote` says where and as whom; `Git` runs commands in a bare repository. Credentials go to git through
its environment only, so they are in no argument list, no URL and no message.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from updater.adapters import complaints, process
from updater.errors import GitError, UsageError
from updater.forge import Credentials

_KEPT = frozenset(
    {
        "ALL_PROXY", "GIT_ASKPASS", "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM",
        "GIT_EXEC_PATH", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "GNUPGHOME",
        "GPG_AGENT_INFO", "HOME", "HTTPS_PROXY", "HTTP_PROXY", "LOGNAME", "NO_PROXY", "PATH", "SSH_AUTH_SOCK",
        "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "USER", "XDG_CONFIG_HOME", "all_proxy", "http_proxy", "https_proxy",
        "no_proxy",
    }
)  # fmt: skip
_KEPT_PREFIXES = ("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
_PROTOCOLS = "file:git:http:https:ssh"
_OVERRULED = (
    ("clone.defaultRemoteName", "origin"),
    ("core.hooksPath", os.devnull),
    ("gc.writeCommitGraph", "false"),
    ("i18n.commitEncoding", "UTF-8"),
    ("i18n.logOutputEncoding", "UTF-8"),
    ("log.follow", "false"),
    ("log.showRoot", "true"),
    ("log.showSignature", "false"),
    ("push.followTags", "false"),
    ("push.gpgSign", "false"),
    ("push.pushOption", ""),
)
"""What a person may have set for work by hand, and what would change or stop ours; see git-config(1)."""
_HELPER_TRANSPORT = re.compile(r"[A-Za-z0-9+.-]*::")
_MISTYPED = re.compile(r"(?:https?|ssh|git|file):/(?!/)|[^/@]*:[^/@]*@")
_SCP_LIKE = re.compile(r"(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*:.+")
_CREDENTIALS_IN_URL = re.compile(r"(?<=//)[^\s'\"]*@")
_ANSWER = r'printf "username=%s\npassword=%s\n" "$UPDATER_GIT_USERNAME" "$UPDATER_GIT_PASSWORD"'
_HELPER = f'!f() {{ test "$1" = get && {_ANSWER}; }}; f'
_ASKING = frozenset({"clone", "fetch", "ls-remote", "push"})
"""The commands of which the remote may want to know who we are."""
_URL_HINT = "give a path or a URL with --repo or UPDATER_REPO"


@dataclass(frozen=True, slots=True)
class Remote:
    """Where the GitOps repository is. `url` never holds credentials; `seconds` limits each command.

    Where there is no password, `credentials` is asked for one before each command that talks to the remote.
    """

    url: str
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    seconds: float = 120.0
    credentials: Callable[[], Credentials | None] | None = field(default=None, repr=False)


def remote(url: str, *, username: str | None = None, password: str | None = None, seconds: float = 120.0) -> Remote:
    """A remote by path or URL. A user and password inside the URL are taken out of it.

    Raises `UsageError` for anything that is neither a path nor a `file`, `git`, `http`, `https` or `ssh` URL.
    """
    if not url or url.startswith("-") or _HELPER_TRANSPORT.match(url) or not url.isprintable():
        raise UsageError(f"{_without_credentials(url)!r} is not a repository", hint=_URL_HINT)
    if _MISTYPED.match(url):
        raise UsageError("that is neither a URL nor a path, and has no room for a password", hint=_URL_HINT)
    if "://" not in url:
        # As git has it (git-clone(1), GIT URLS): a colon before the first slash, unless there is such a file.
        is_remote = _SCP_LIKE.fullmatch(url) and not Path(url).exists()
        place = url if is_remote else str(Path(url).expanduser().resolve())
        return Remote(place, username, password, seconds)
    parts = _parts(url)
    if parts.scheme in ("http", "https"):
        username, password = username or _unquoted(parts.username), password or _unquoted(parts.password)
        url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    elif parts.password is not None:
        raise UsageError(f"a password in an {parts.scheme}:// URL is of no use", hint="leave it out")
    return Remote(url, username, password, seconds)


def _parts(url: str) -> SplitResult:
    shown = _without_credentials(url)
    try:
        parts = urlsplit(url)
        readable = parts.port != 0
    except ValueError:
        readable = False
    if not readable or (parts.hostname or "").startswith("-"):
        raise UsageError(f"{shown} is no URL", hint=_URL_HINT)
    if parts.scheme not in _PROTOCOLS.split(":"):
        raise UsageError(f"{shown} is no kind of repository that is supported", hint="use https, ssh or a path")
    return parts


def _unquoted(text: str | None) -> str | None:
    plain = None if text is None else unquote(text)
    if plain is not None and not plain.isprintable():
        raise UsageError("the user or password in the URL has characters that cannot be sent", hint=_URL_HINT)
    return plain


def _without_credentials(text: str) -> str:
    return _CREDENTIALS_IN_URL.sub("***@", text)


class Git:
    """Runs git in one bare repository, for one remote."""

    def __init__(self, remote: Remote, folder: Path) -> None:
        self.remote = remote
        self.folder = folder
        self._secret = remote.password

    def run(self, *arguments: str, stdin: bytes = b"") -> process.Finished:
        """One git command, whatever comes of it. Raises `GitError` if there is no git."""
        return self._run(arguments, {}, stdin)

    def check(self, *arguments: str, stdin: bytes = b"", identity: Mapping[str, str] | None = None) -> bytes:
        """The output of one git command. Raises `GitError` (or a kind of it) unless it succeeds."""
        finished = self._run(arguments, identity or {}, stdin)
        if finished.code != 0:
            raise self.failure(finished, arguments[0])
        return finished.stdout

    def start(self, *arguments: str, keeping: Sequence[int] = ()) -> None:
        """Starts one git command that nobody waits for, with low priority, and that keeps descriptors open.

        Its outcome is not told.
        """
        environment = self._environment(arguments)
        process.start_beside(("git", *arguments), folder=self.folder, environment=environment, keeping=keeping)

    def is_cut_off(self, finished: process.Finished) -> bool:
        """Whether the remote did not answer, or not to the end: what it did is then unknown."""
        return complaints.is_cut_off(finished)

    def failure(self, finished: process.Finished, doing: str) -> GitError:
        """What went wrong, in words without secrets, and what to do about it."""
        said = replace(finished, stderr=self.without_secrets(finished.message()).encode())
        is_ours = self._secret is None or self.remote.password is not None
        login = complaints.OWN_LOGIN if is_ours else complaints.FORGES_LOGIN
        return complaints.failure(said, doing, self.remote.url, self.remote.seconds, login)

    def _run(self, arguments: Sequence[str], identity: Mapping[str, str], stdin: bytes) -> process.Finished:
        command = ("git", *arguments)
        environment = {**self._environment(arguments), **identity}
        try:
            return process.run(
                command, folder=self.folder, environment=environment, seconds=self.remote.seconds, stdin=stdin
            )
        except FileNotFoundError as error:
            if not self.folder.is_dir():
                raise GitError(
                    f"the local mirror {self.folder} is gone", hint="start again; it is made anew"
                ) from error
            raise GitError("git is not installed", hint="install git, and see that it is on the PATH") from error

    def _environment(self, arguments: Sequence[str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}
        kept |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": _PROTOCOLS, "GIT_OPTIONAL_LOCKS": "0"}
        # Without it git would look for a repository in the folders above, and might find somebody's own.
        kept["GIT_DIR"] = str(self.folder)
        username, password = self._who(arguments)
        settings = [*_OVERRULED, *self._credentials(username, password)]
        first = int(kept.get("GIT_CONFIG_COUNT", "0"))
        for number, (key, value) in enumerate(settings, first):
            kept |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        kept["GIT_CONFIG_COUNT"] = str(first + len(settings))
        if password is not None:
            kept["UPDATER_GIT_USERNAME"] = username or "git"
            kept["UPDATER_GIT_PASSWORD"] = password
        return kept

    def _who(self, arguments: Sequence[str]) -> tuple[str | None, str | None]:
        """The user and password for a command; either may be missing."""
        ask = self.remote.credentials
        if self.remote.password is not None or ask is None or _ASKING.isdisjoint(arguments) or (given := ask()) is None:
            return self.remote.username, self.remote.password
        self._secret = given.password
        return given.username, given.password

    def _credentials(self, username: str | None, password: str | None) -> Iterator[tuple[str, str]]:
        """Settings under which git asks us for the credentials, for this host alone: no redirect, no proxy gets them.

        A user without a password is only told to git: the person's own credential helper may know the rest.
        """
        parts = urlsplit(self.remote.url)
        scope = f"credential.{parts.scheme}://{parts.netloc}"
        if parts.scheme in ("http", "https") and username:
            yield f"{scope}.username", username
        if parts.scheme in ("http", "https") and password is not None:
            yield "credential.helper", ""
            yield f"{scope}.helper", _HELPER

    def without_secrets(self, text: str) -> str:
        """What somebody else said, without our credentials."""
        text = _without_credentials(text)
        if not self._secret:
            return text
        return text.replace(self._secret, "***").replace(quote(self._secret, safe=""), "***")
