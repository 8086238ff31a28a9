"""What git says when it fails, and what that means for a person. git runs in the C locale, so its words are fixed."""

from __future__ import annotations

import re

from updater.adapters.process import Finished
from updater.errors import GitError, RemoteUnavailable

_UNAVAILABLE = re.compile(
    r"could not resolve|connection (refused|reset|timed out|closed)|timed out|unexpected disconnect|early eof|hung up"
    r"|couldn't connect|failed to connect|network is unreachable|no route to host|error: (5\d\d|429)"
    r"|rpc failed|broken pipe|empty reply",
    re.IGNORECASE,
)
_UNAUTHENTICATED = re.compile(
    r"authentication failed|could not read (username|password)|permission denied|error: 40[13]|access denied",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"not found|does not exist|does not appear to be a git repository|not a git repository", re.IGNORECASE
)
_FILLER = re.compile(
    r"\s*$|hint:|warning:|fatal: Could not read from remote|Please make sure you have|and the repository exists"
)
OWN_LOGIN = "set up a git credential helper or an SSH key, or give UPDATER_GIT_USERNAME and UPDATER_GIT_PASSWORD(_FILE)"
FORGES_LOGIN = "see that the forge's token is still good, is for this repository, and has the right `contents: write`"
"""What may be mended where the remote does not let us in with our own credentials, and with those of the forge."""


def is_cut_off(finished: Finished) -> bool:
    """Whether the remote did not answer, or git did not live to hear it to the end: what it did is then unknown."""
    return finished.code is None or finished.code < 0 or _UNAVAILABLE.search(finished.message()) is not None


def failure(finished: Finished, doing: str, url: str, seconds: float, login: str = OWN_LOGIN) -> GitError:
    """What went wrong with the git command `doing` for the remote at `url`, and what to do about it.

    `login` is what to do where it does not let us in.
    """
    if finished.code is None:
        return RemoteUnavailable(
            f"{url} did not answer `git {doing}` within {seconds:g} s",
            hint="is the remote up? UPDATER_GIT_TIMEOUT gives it longer",
        )
    if finished.code < 0:
        return RemoteUnavailable(
            f"`git {doing}` for {url} was ended by signal {-finished.code}", hint="is there enough memory? try again"
        )
    told = finished.message()
    said = _essence(told) or f"git ended with code {finished.code}"
    if _UNAUTHENTICATED.search(told):
        return GitError(f"{url} does not let us in: {said}", hint=login)
    if _UNAVAILABLE.search(told):
        return RemoteUnavailable(f"{url} cannot be reached: {said}", hint="try again when it is back")
    if "dubious ownership" in told:
        return GitError(f"git does not trust {url}: another user owns it", hint="see `git help safe.directory`")
    if _NOT_FOUND.search(told):
        hint = "check --repo or UPDATER_REPO" + (f"; {login}" if login == FORGES_LOGIN else "")
        return GitError(f"there is no git repository at {url}: {said}", hint=hint)
    return GitError(f"`git {doing}` failed for {url}: {said}")


def _essence(told: str) -> str:
    """The last line in which git says something of its own."""
    lines = [line for line in told.splitlines() if _FILLER.match(line) is None]
    return lines[-1].removeprefix("fatal: ") if lines else told.partition("\n")[0]
