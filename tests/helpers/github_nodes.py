"""What GitHub's GraphQL API answers, in the form in which we ask for it."""

from __future__ import annotations

from typing import Any

AT = "2026-11-20T13:00:00+01:00"


def node(**other: Any) -> dict[str, Any]:
    """A pull request as the queries ask for it."""
    return {
        "number": 7, "state": "OPEN", "title": "Title", "body": "Body", "url": "https://github.com/acme/gitops/pull/7",
        "isDraft": False, "createdAt": AT, "closedAt": None, "isCrossRepository": False, "isInMergeQueue": False,
        "mergeStateStatus": "CLEAN", "headRefName": "updater/test/a", "headRefOid": "c0ffee", "baseRefName": "main",
        "author": {"__typename": "User", "login": "alice"}, "mergedBy": None, "mergeCommit": None,
        "labels": {"nodes": []}, "latestOpinionatedReviews": {"nodes": []}, "commits": {"nodes": []},
        "timelineItems": {"nodes": []}, **other,
    }  # fmt: skip


def context(state: str = "SUCCESS", **other: Any) -> dict[str, Any]:
    found = {"__typename": "StatusContext", "context": "smoke-test", "state": state, "createdAt": AT}
    return {**found, "description": None, "targetUrl": None, **other}


def run(status: str = "COMPLETED", conclusion: str | None = "SUCCESS", **other: Any) -> dict[str, Any]:
    found = {"__typename": "CheckRun", "name": "build", "status": status, "conclusion": conclusion, "title": None}
    return {**found, "detailsUrl": None, "startedAt": None, "completedAt": None, **other}


def on(commit: str, *contexts: Any) -> dict[str, Any]:
    return {"nodes": [{"commit": {"oid": commit, "statusCheckRollup": {"contexts": {"nodes": list(contexts)}}}}]}
