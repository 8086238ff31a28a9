"""GitHub: web hooks of the repository, which are news and no more; what has to be done is read from the repository.

Source: "Webhook events and payloads" of GitHub's documentation; the event's name is in the header `X-GitHub-Event`. Of
a pushed package the source `ghcr` tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from updater.core.pushes import shown, stranger
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "a web hook of GitHub with the header X-GitHub-Event"
_WORD = re.compile(r"[a-z_]{1,40}")
_ENDLESS = 1_000_000_000


def decode(message: Message) -> Decoded:
    """What has happened in the repository, in words. Raises `EventError` for what is no web hook of GitHub."""
    event = message.headers.get("x-github-event")
    if event is None or not isinstance(message.payload, dict):
        return stranger(message, _DIALECT)
    if event in ("package", "registry_package"):
        return Decoded(ignored="a package was published: send that to the source ghcr")
    tell = _NEWS.get(event)
    if tell is None:
        return Decoded(ignored=f"the event {shown(event)} changes nothing that is waited for")
    news = tell(message.payload)
    return Decoded(news=news) if news else Decoded(ignored=f"this {event} changes nothing that is waited for")


def _pull_request(fields: dict[str, Any]) -> str:
    number = _number(fields)
    match fields:
        case {"action": "closed", "pull_request": {"merged": True}}:
            return f"pull request {number} was merged"
        case {"action": str(action)}:
            return f"pull request {number}: {_word(action)}"
    raise EventError("a pull_request has no `action`")


def _review(fields: dict[str, Any]) -> str:
    return f"pull request {_number(fields)} was reviewed"


def _number(fields: dict[str, Any]) -> int:
    match fields:
        case {"pull_request": {"number": int(number)}} if 0 < number < _ENDLESS:
            return number
    raise EventError("the payload has no `pull_request` with a `number`")


def _push(fields: dict[str, Any]) -> str | None:
    match fields:
        case {"ref": str(ref)}:
            branch = ref.removeprefix("refs/heads/")
            done = "deleted" if fields.get("deleted") is True else "pushed to"
            return f"the branch {shown(branch)} was {done}" if branch != ref else None
    raise EventError("a push has no `ref`")


def _status(fields: dict[str, Any]) -> str:
    match fields:
        case {"state": str(state), "context": str(context)}:
            return f"the status {shown(context)} is {_word(state)}"
    raise EventError("a status has no `state` and `context`")


def _checks(key: str, fields: dict[str, Any]) -> str | None:
    match fields:
        case {"action": "completed"}:
            return f"a {key.replace('_', ' ')} has ended: {_conclusion(fields.get(key))}"
        case {"action": str()}:
            return None
    raise EventError(f"a {key} has no `action`")


def _conclusion(checks: object) -> str:
    match checks:
        case {"conclusion": str(conclusion)}:
            return _word(conclusion)
    return "without a conclusion"


def _word(given: str) -> str:
    """One of GitHub's own words, for people."""
    if _WORD.fullmatch(given) is None:
        raise EventError(f"{shown(given)} is none of GitHub's words")
    return given.replace("_", " ")


_NEWS: Mapping[str, Callable[[dict[str, Any]], str | None]] = {
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "push": _push,
    "status": _status,
    "check_suite": lambda fields: _checks("check_suite", fields),
    "check_run": lambda fields: _checks("check_run", fields),
}
