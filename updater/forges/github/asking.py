"""What is asked of GitHub about many things at once: pull requests of our branches, and reports on commits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from updater.forge import PER_HEAD, PullRequest, Status
from updater.forges.github import queries, reading
from updater.forges.github.client import Client
from updater.forges.github.queries import Query
from updater.forges.github.reading import Node, expected


def opened(client: Client) -> Sequence[PullRequest]:
    """All open pull requests of our branches, by number."""
    found: list[PullRequest] = []
    crowded: list[str] = []
    after: str | None = None
    while True:
        answer = client.query(queries.opened(after), "list the open pull requests")
        with expected():
            nodes = _ours(answer["pullRequests"])
            found += _pull_requests(client, nodes)
            crowded += [node["headRefOid"] for node in nodes if reading.has_more_statuses(node)]
            after = reading.next_page(answer["pullRequests"])
        if after is None:
            break
    whole = statuses(client, crowded)
    found = [replace(pull, statuses=tuple(whole.get(pull.commit, pull.statuses))) for pull in found]
    return sorted(found, key=lambda pull: pull.number)


def opened_from(client: Client, head: str, base: str) -> PullRequest | None:
    """The open pull request from one branch into another."""
    answer = client.query(queries.opened_from(head, base), "look for an open pull request")
    with expected():
        return next(iter(_pull_requests(client, _ours(answer["pullRequests"]))), None)


def settled(client: Client, heads: Collection[str]) -> Sequence[PullRequest]:
    """The merged and closed pull requests of branches, newest first, `PER_HEAD` of each at the most."""
    found: dict[str, list[PullRequest]] = {head: [] for head in sorted(heads)}

    def take(head: str, page: Node) -> str | None:
        # Those from forks are passed over: however many there are, they hide none of ours.
        found[head] += _pull_requests(client, _ours(page))
        return None if len(found[head]) >= PER_HEAD else reading.next_page(page)

    _pages(client, queries.settled, found, queries.HEADS_AT_ONCE, "list the closed pull requests", take)
    newest = (pull for pulls in found.values() for pull in pulls[:PER_HEAD])
    return sorted(newest, key=lambda pull: pull.number, reverse=True)


def statuses(client: Client, commits: Collection[str]) -> Mapping[str, Sequence[Status]]:
    """The newest report of each context on each commit of which anything is known."""
    found: dict[str, list[Status]] = {commit: [] for commit in sorted(commits)}

    def take(commit: str, node: Node | None) -> str | None:
        rollup = (node or {}).get("statusCheckRollup")
        if not rollup:
            return None
        found[commit] += reading.statuses(rollup["contexts"], client.now())
        return reading.next_page(rollup["contexts"])

    _pages(client, queries.statuses, found, queries.COMMITS_AT_ONCE, "read the statuses of commits", take)
    return {commit: reading.newest(reports) for commit, reports in found.items() if reports}


def _pages(
    client: Client,
    query: Callable[[Mapping[str, str | None]], Query],
    keys: Iterable[str],
    at_once: int,
    doing: str,
    take: Callable[[str, Node], str | None],
) -> None:
    """Asks about all keys, so many in one request; `take` gets each page, and gives where the next one begins."""
    left: dict[str, str | None] = dict.fromkeys(keys)
    while left:
        some = dict(islice(left.items(), at_once))
        answer = client.query(query(some), doing)
        with expected():
            for number, key in enumerate(some):
                left[key] = take(key, answer[f"n{number}"])
                if left[key] is None:
                    del left[key]


def _ours(page: Node) -> list[Node]:
    return [node for node in page["nodes"] if node and reading.is_ours(node)]


def _pull_requests(client: Client, nodes: Iterable[Node]) -> list[PullRequest]:
    return [reading.pull_request(node, client.now()) for node in nodes]
