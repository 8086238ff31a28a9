"""Flux notification-controller: how the reconciliation of an object went.

Source: "Providers" and "Events" of its documentation: the event of the providers `generic` and `generic-hmac`, alone,
in a message of `googlepubsub` or as `client_payload` of `githubdispatch`; and the commit status of `github`, whose
address ends with `/repos/OWNER/REPOSITORY/statuses/COMMIT`. The context is written as `github` does it, except that
an event tells the id of its object and not that of the provider.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from updater.core.pushes import shown, stranger, text
from updater.core.reports import State, posted_status, reported
from updater.model import Decoded, Message

_DIALECT = "an event of Flux with `involvedObject`, `severity` and `reason`"
# Of severity `info` is also what has not ended, and what was undone.
_REASONS: Mapping[str, State] = {
    "ReconciliationSucceeded": "success",
    "InstallSucceeded": "success",
    "UpgradeSucceeded": "success",
    "TestSucceeded": "success",
    "Progressing": "pending",
    "ProgressingWithRetry": "pending",
}
_COMMIT = re.compile(r"(?:.*@)?sha1:([0-9a-f]{40})|(?:.*/)?([0-9a-f]{40})", re.DOTALL)


def decode(message: Message) -> Decoded:
    """The result for the commit that was applied. Raises `EventError` for what is no event of Flux."""
    posted = posted_status(message)
    if posted is not None:
        return Decoded(reported=(posted,))
    match message.payload:
        case {"client_payload": {"involvedObject": dict(item), "severity": str()} as event}:
            return _event(item, event)
        case {"involvedObject": dict(item), "severity": str()} as event:
            return _event(item, event)
    return stranger(message, _DIALECT)


def _event(item: dict[str, Any], event: dict[str, Any]) -> Decoded:
    reason = text(event, "reason") or ""
    state: State | None = "failure" if event["severity"] == "error" else _REASONS.get(reason)
    if state is None:
        return Decoded(ignored=f"the reason {shown(reason)} is no result")
    revision = _revision(event.get("metadata"))
    found = _COMMIT.fullmatch(revision)
    if found is None:
        return Decoded(ignored=f"the revision {shown(revision)} is not a commit")
    words = f"{reason}: {text(event, 'message') or ''}"
    return Decoded(reported=(reported(_context(item), state, commit=found[1] or found[2], description=words),))


def _context(item: dict[str, Any]) -> str:
    kind, name, uid = (text(item, key) or "" for key in ("kind", "name", "uid"))
    return "/".join(filter(None, (kind.lower(), name, uid.partition("-")[0])))


def _revision(metadata: object) -> str:
    """What was applied: where it comes from if that is told, else what Flux fetched."""
    told = metadata if isinstance(metadata, dict) else {}
    # Older releases leave the group of the object before the key.
    short = {key.rpartition("/")[2]: value for key, value in told.items()}
    return text(short, "originRevision") or text(short, "revision") or ""
