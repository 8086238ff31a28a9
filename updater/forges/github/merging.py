"""Merging a pull request on GitHub: exactly the head that is named, once, and through the queue where there is one."""

from __future__ import annotations

from typing import Literal

from updater.errors import ForgeRefused
from updater.forge import Method
from updater.forges.github import queries
from updater.forges.github.client import Client
from updater.forges.github.reading import Node, expected

_RIGHT = "contents: write, pull requests: write"


def merge(client: Client, pull: str, number: int, commit: str, method: Method | None) -> Literal["merged", "queued"]:
    """Merges pull request `number`, whose path in the REST API is `pull`. See `updater.forge.Forge.merge`.

    A queue has a method of its own.
    """
    doing = f"merge #{number}"

    def landed() -> Literal["merged", "queued"] | None:
        return _done(client.query(queries.before_merging(number), doing), number, commit)

    answer = client.query(queries.before_merging(number), doing)
    if (done := _done(answer, number, commit)) is not None:
        return done
    with expected():
        id_, has_queue = answer["pullRequest"]["id"], answer["pullRequest"]["isMergeQueueEnabled"]
        wanted = {"sha": commit, "merge_method": method or _first_allowed(answer)}
    if has_queue:
        client.mutate(queries.enqueue(id_, commit), doing, _RIGHT, landed)
        return "queued"
    client.write("PUT", f"{pull}/merge", wanted, doing, _RIGHT, landed)
    return "merged"


def _done(answer: Node, number: int, commit: str) -> Literal["merged", "queued"] | None:
    """What has become of a pull request that is to be merged; None if that can be done. Raises `ForgeRefused`."""
    with expected():
        pull = answer["pullRequest"]
        head, state, is_queued = str(pull["headRefOid"]), pull["state"], pull["isInMergeQueue"]
    if head != commit:
        raise ForgeRefused(f"cannot merge #{number}: its head is {head[:7]} by now, not {commit[:7]}")
    if state == "CLOSED":
        raise ForgeRefused(f"cannot merge #{number}: it is closed")
    return "merged" if state == "MERGED" else "queued" if is_queued else None


def _first_allowed(repository: Node) -> Method:
    if repository["mergeCommitAllowed"]:
        return "merge"
    return "squash" if repository["squashMergeAllowed"] else "rebase"
