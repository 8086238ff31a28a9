"""From a sender's words to a gate's result: what every decoder of results has to check, once.

A result is posted as a commit status, where everybody reads it: names are one printable line each, a description is
made one, and an address that a browser should not follow is left out.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, Literal, TypeAlias

from updater.core.pushes import SHOWN, shown, text
from updater.errors import EventError
from updater.forge import GATES
from updater.model import Message, Reported

State: TypeAlias = Literal["success", "pending", "failure", "error"]

STATES: tuple[State, ...] = ("success", "pending", "failure", "error")
LONGEST_NAME = 255
LONGEST_DESCRIPTION = 140
"""What GitHub takes; other forges take more."""

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_URL = re.compile(r"https?://[A-Za-z0-9._-]+(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9._~:/?#@!$&'*+,;=%-]{0,1000})?")
_STATUSES = re.compile(r"(?:/api/v3)?/repos/[^/]+/[^/]+/statuses/([^/]+)/?")


def reported(
    context: str,
    state: State,
    *,
    commit: str | None = None,
    environment: str | None = None,
    service: str | None = None,
    description: str = "",
    url: str | None = None,
) -> Reported:
    """The result of a gate, of a commit or else of a service in an environment.

    A description is cut to what forges take. Raises `EventError` for a name that is none, a commit that is no whole
    object id, and the updater's own gates, which nobody else may turn green.
    """
    for name in (context, environment, service):
        if name is not None:
            _check_name(name)
    if context.casefold() == GATES:
        raise EventError(f"{GATES} is what the updater itself reports", hint="give your gate another context")
    if commit is not None and not is_commit(commit):
        raise EventError(f"{shown(commit)} is not a commit", hint="give the whole object id, 40 or 64 digits")
    page = url if url is not None and is_address(url) else None
    return Reported(context, state, commit, environment, service, _line(description), page)


def state_named(given: str) -> State:
    """The state of that name. Raises `EventError` where there is none."""
    for state in STATES:
        if given == state:
            return state
    raise EventError(f"the state is {shown(given)}", hint=f"there are: {', '.join(STATES)}")


def is_commit(text: str) -> bool:
    """Whether `text` is a whole object id of git's, by SHA-1 or SHA-256."""
    return _COMMIT.fullmatch(text) is not None


def is_address(text: str) -> bool:
    """Whether `text` is the address of a page (http or https), without a login in it."""
    return _URL.fullmatch(text) is not None


def posted_status(message: Message) -> Reported | None:
    """The status that somebody posted as to GitHub's API, None where the address is not of that kind.

    Source: "Create a commit status" of GitHub's REST documentation: `POST /repos/OWNER/REPO/statuses/SHA`, with
    `state`, and `context`, `description` and `target_url` as they like. Raises `EventError` for a wrong one.
    """
    place = _STATUSES.fullmatch(message.address.partition("?")[0])
    fields = message.payload
    if place is None or not isinstance(fields, dict):
        return None
    return reported(
        text(fields, "context") or "default",
        state_named(text(fields, "state") or ""),
        commit=place[1],
        description=text(fields, "description") or "",
        url=text(fields, "target_url"),
    )


def known_only(fields: dict[str, Any], keys: tuple[str, ...]) -> None:
    """Raises `EventError`, naming what is near, for a key that is not among these: a person wrote it."""
    for key in fields:
        if key not in keys:
            near = difflib.get_close_matches(key[:SHOWN], keys, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(keys)}"
            raise EventError(f"unknown key {shown(key)}: {hint}")


def _check_name(name: str) -> None:
    if not (name.isprintable() and name.strip() and len(name) <= LONGEST_NAME):
        raise EventError(f"{shown(name)} is not a name in one line of at most {LONGEST_NAME} characters")


def _line(text: str) -> str:
    """Free text as one printable line, short enough for every forge."""
    words = " ".join(text[: LONGEST_NAME * 4].split())
    line = "".join(char if char.isprintable() else "?" for char in words)
    return line if len(line) <= LONGEST_DESCRIPTION else f"{line[: LONGEST_DESCRIPTION - 3]}..."
