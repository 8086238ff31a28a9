"""Argo CD Notifications: how the synchronisation of an application went.

Source: "Webhook" of Argo CD's notifications documentation. It has no body of its own but the one that a template gives
it. Ours is `{"app", "revision", "phase", "health"}`, with `sync` and `url` as one likes: the application's name, and
`.app.status.operationState.syncResult.revision`, `.app.status.operationState.phase`, `.app.status.health.status`.
Applications of several sources give `revisions`, a list. The template of the documentation that posts a commit status
as to GitHub is understood, too; its address ends with `/repos/OWNER/REPOSITORY/statuses/COMMIT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from updater.core.pushes import shown, stranger, text
from updater.core.reports import State, is_commit, posted_status, reported
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "what the template makes of an application: `app`, `revision`, `phase` and `health`"
_PHASES: Mapping[str, State] = {
    "Succeeded": "pending",
    "Running": "pending",
    "Terminating": "pending",
    "Failed": "failure",
    "Error": "failure",
}
_HEALTHS: Mapping[str, State] = {"Healthy": "success", "Degraded": "failure"}


def decode(message: Message) -> Decoded:
    """A result for each commit that was synchronised. Raises `EventError` for what is neither of the two bodies."""
    posted = posted_status(message)
    if posted is not None:
        return Decoded(reported=(posted,))
    match message.payload:
        case {"app": {"name": str(app)} | str(app), "phase": _}:
            return _application(app, message.payload)
    return stranger(message, _DIALECT)


def _application(app: str, fields: dict[str, Any]) -> Decoded:
    words = {key: text(fields, key) or "" for key in ("phase", "health", "sync")}
    state = _state(words["phase"], words["health"])
    if state is None:
        return Decoded(ignored=f"the phase {shown(words['phase'])} of {shown(app)} is no result")
    revisions = _revisions(fields)
    commits = [revision for revision in revisions if is_commit(revision)]
    if not commits:
        return Decoded(ignored=f"{shown(', '.join(revisions))} of {shown(app)} is not a commit")
    told = ", ".join(filter(None, words.values()))
    url = text(fields, "url")
    context = f"continuous-delivery/{app}"
    return Decoded(reported=tuple(reported(context, state, commit=each, description=told, url=url) for each in commits))


def _state(phase: str, health: str) -> State | None:
    """What phase and health amount to: one that failed has failed, and nothing is well before both are."""
    state = _PHASES.get(phase)
    if phase == "Succeeded" or health == "Degraded":
        return _HEALTHS.get(health, state)
    return state


def _revisions(fields: dict[str, Any]) -> list[str]:
    """What was synchronised, of each source, without repetition."""
    several = fields.get("revisions") or [fields.get("revision")]
    if not isinstance(several, list) or not all(isinstance(each, str | None) for each in several):
        raise EventError("`revision` has to be a text, and `revisions` a list of texts")
    return list(dict.fromkeys(filter(None, several)))
