"""What GitHub answers, and what that means: done, wait, unclear, or refused, and why in words for a person."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from updater.errors import ForgeError, ForgeRefused

_LONGEST = 400
_MINUTE, _DAY = 60.0, 86400.0
_SLOW_DOWN = re.compile(r"secondary rate limit|abuse detection|rate limit exceeded", re.IGNORECASE)
_AGAIN = "Base branch was modified"
_WRONG_PLACE = "the repository was moved, or UPDATER_GITHUB_API names another server: give their new addresses"
_SINGLE_SIGN_ON = re.compile(r"url=(https://[^\s;,]+)")


class Later(Exception):
    """A request that may be sent again, after `seconds`; None where it is unclear whether it took effect."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came in, with lower-case names of headers."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, for messages: the place, what for (`merge #7`), the right it needs, where the token is set."""

    repository: str
    doing: str
    right: str
    variables: str


def content(answer: Answer, asked: Asked, now: datetime) -> Any:
    """The JSON of an answer, None where it is empty. Raises `Later`, or `ForgeRefused` saying why and what to mend."""
    seconds = _wait(answer, now)
    if seconds is not None:
        raise Later(f"GitHub wants us to wait: {said(answer)}", seconds)
    if answer.status >= 500:
        raise Later(f"GitHub is out of order ({answer.status})")
    if answer.status >= 400:
        raise ForgeRefused(f"cannot {asked.doing}: {said(answer)}", hint=_hint(answer, asked))
    if not 200 <= answer.status < 300:
        raise ForgeRefused(f"cannot {asked.doing}: GitHub answers with {answer.status}", hint=_WRONG_PLACE)
    try:
        return json.loads(answer.text) if answer.text else None
    except (ValueError, RecursionError):
        raise Later("GitHub answers with something else than JSON") from None


def data(answer: Answer, asked: Asked, now: datetime) -> tuple[Mapping[str, Any], bool]:
    """The data of a GraphQL answer, and whether it is whole: reports that the token may not read are left out of it.

    Raises `Later`, or `ForgeError`. Errors come with a success, beside the data or instead of it (spec.graphql.org,
    section 7).
    """
    found = content(answer, asked, now)
    body = found if isinstance(found, dict) else {}
    errors = _list(body.get("errors"))
    if grave := [error for error in errors if not _is_unreadable_report(error)]:
        raise _query_failure(grave, answer, asked, now)
    if not isinstance(body.get("data"), dict):
        raise Later("GitHub answers a query without data")
    return body["data"], not errors


def left(answer: Answer) -> int | None:
    """How many requests GitHub lets us make until its limit begins anew; None where it does not say."""
    number = answer.headers.get("x-ratelimit-remaining", "")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None


def said(answer: Answer) -> str:
    """What GitHub says about a request that it refuses, in one printable line."""
    try:
        found = json.loads(answer.text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return f"it answers with {answer.status} and no reason"
    details = [_detail(error) for error in _list(found.get("errors"))]
    message = _text(found.get("message"))
    general = [message] if message and not (details and message == "Validation Failed") else []
    return shortened("; ".join([*general, *filter(None, details)])) or f"it answers with {answer.status}"


def shortened(text: str) -> str:
    """Somebody else's words in one printable line of bounded length."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _wait(answer: Answer, now: datetime) -> float | None:
    """How long to wait where the limits ask for it; None where they do not.

    See docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api, "Exceeding the rate limit".
    """
    if answer.status == 405 and _AGAIN in answer.text:
        return 1.0
    if answer.status not in (403, 429):
        return None
    if (told := _number(answer.headers.get("retry-after"))) is not None:
        return _bounded(told)
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return _until_reset(answer, now)
    return _MINUTE if answer.status == 429 or _SLOW_DOWN.search(answer.text) else None


def _until_reset(answer: Answer, now: datetime) -> float:
    reset = _number(answer.headers.get("x-ratelimit-reset"))
    return _MINUTE if reset is None else _bounded(reset - now.timestamp())


def _bounded(seconds: float) -> float:
    return min(max(1.0, seconds), _DAY)


def _hint(answer: Answer, asked: Asked) -> str | None:
    if answer.status == 401:
        return f"the token has expired or was taken back: set a new one in {asked.variables}"
    if answer.status == 403 and (found := _SINGLE_SIGN_ON.search(answer.headers.get("x-github-sso", ""))):
        return f"authorise the token for the organisation's single sign-on: {shortened(found[1])}"
    if answer.status == 403:
        accepted = shortened(answer.headers.get("x-accepted-github-permissions", ""))
        right = accepted.replace("=", ": ").replace("_", " ") or asked.right
        return f"see that the token has the right `{right}`"
    if answer.status == 404:
        return f"see that {asked.repository} is its name, and that the token may see it and has `{asked.right}`"
    return None


def _query_failure(errors: Sequence[object], answer: Answer, asked: Asked, now: datetime) -> Exception:
    first = next((error for error in errors if isinstance(error, dict)), {})
    message = shortened(_text(first.get("message"))) or "no reason"
    kind = first.get("type")
    if kind == "RATE_LIMITED" or _SLOW_DOWN.search(message):
        return Later(f"GitHub wants us to wait: {message}", _until_reset(answer, now))
    if kind is None and message.startswith("Something went wrong"):
        return Later(f"GitHub is out of order: {message}")
    problem = f"cannot {asked.doing}: {message}"
    if kind == "NOT_FOUND":
        return ForgeRefused(problem, hint=_hint(Answer(404, {}, ""), asked))
    if kind in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
        return ForgeRefused(problem, hint=f"see that the token has the right `{asked.right}`")
    return ForgeRefused(problem) if kind else ForgeError(problem)


def _is_unreadable_report(error: object) -> bool:
    """Fine-grained tokens may lack the right to read check runs; each then is an error of its own."""
    if not isinstance(error, dict):
        return False
    return error.get("type") == "FORBIDDEN" and "contexts" in _list(error.get("path"))


def _detail(error: object) -> str:
    if isinstance(error, str):
        return error
    if not isinstance(error, dict):
        return ""
    return _text(error.get("message")) or f"{_text(error.get('field'))} is {_text(error.get('code'))}"


def _list(value: object) -> Sequence[Any]:
    """A list, or the one text in its place."""
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
