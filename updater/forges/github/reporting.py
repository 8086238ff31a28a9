"""What GitHub is told of how something went: as a commit status, or by an App as a check run.

Source: docs.github.com, "Create a commit status" and "Create a check run".
"""

from __future__ import annotations

from typing import Any

from updater.core.messages import stamp
from updater.forge import Status

_LONGEST = 140
"""The characters of a description."""


def commit_status(status: Status) -> dict[str, Any]:
    """The body of a commit status. Its time is GitHub's."""
    body = {"state": status.state, "context": status.context, "description": _short(status.description)}
    return body | ({"target_url": status.url} if status.url else {})


def check_run(commit: str, status: Status) -> dict[str, Any]:
    """The body of a check run that says the same; one that is not over yet is in progress."""
    text = status.description or status.context
    body = {"name": status.context, "head_sha": commit, "output": {"title": _short(text), "summary": text}}
    body |= {"details_url": status.url} if status.url else {}
    if status.state == "pending":
        return body | {"status": "in_progress", "started_at": stamp(status.at.replace(microsecond=0))}
    conclusion = "success" if status.state == "success" else "failure"
    time = stamp(status.at.replace(microsecond=0))
    return body | {"status": "completed", "conclusion": conclusion, "completed_at": time}


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
