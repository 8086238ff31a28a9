"""What is asked of GitHub's GraphQL API (docs.github.com/en/graphql): texts, and the variables that go with them.

Many things are asked for in one request by giving each a name of its own (an alias). Values from outside go into
variables only, never into a text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from updater.forge import PER_HEAD

HEADS_AT_ONCE = 25
"""Branches in one request; each brings up to `PER_HEAD` pull requests."""
COMMITS_AT_ONCE = 100

_CONTEXTS = """
fragment contexts on StatusCheckRollup {
  contexts(first: 100) { ...reports }
}
"""
_REPORTS = """
fragment reports on StatusCheckRollupContextConnection {
  pageInfo { hasNextPage endCursor }
  nodes {
    __typename
    ... on StatusContext { context state description targetUrl createdAt }
    ... on CheckRun { name status conclusion title detailsUrl startedAt completedAt }
  }
}
"""
_PULL_REQUEST = (
    """
fragment who on Actor { __typename login }
fragment pull on PullRequest {
  number state title body url isDraft createdAt closedAt isCrossRepository isInMergeQueue mergeStateStatus
  headRefName headRefOid baseRefName
  author { ...who }
  mergedBy { ...who }
  mergeCommit { oid }
  labels(first: 100) { nodes { name } }
  latestOpinionatedReviews(first: 100, writersOnly: true) { nodes { state author { ...who } commit { oid } } }
  commits(last: 1) { nodes { commit { oid statusCheckRollup { ...contexts } } } }
  timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) { nodes { ... on ClosedEvent { actor { ...who } } } }
}
"""
    + _CONTEXTS
    + _REPORTS
)
_PULLS = "{ pageInfo { hasNextPage endCursor } nodes { ...pull } }"


@dataclass(frozen=True, slots=True)
class Query:
    """A text and its variables; `owner` and `name` of the repository come with those that are about one."""

    text: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    in_repository: bool = True


def opened(after: str | None) -> Query:
    """Open pull requests, a hundred from `after` on."""
    return Query(
        "query($owner: String!, $name: String!, $after: String) { repository(owner: $owner, name: $name) {"
        " pullRequests(states: [OPEN], first: 100, after: $after, orderBy: {field: CREATED_AT, direction: ASC})"
        f" {_PULLS} }} }}{_PULL_REQUEST}",
        {"after": after},
    )


def opened_from(head: str, base: str) -> Query:
    """The open pull requests from one branch into another."""
    return Query(
        "query($owner: String!, $name: String!, $head: String!, $base: String!) {"
        " repository(owner: $owner, name: $name) {"
        f" pullRequests(states: [OPEN], headRefName: $head, baseRefName: $base, first: 100) {_PULLS} }} }}"
        + _PULL_REQUEST,
        {"head": head, "base": base},
    )


def settled(heads: Mapping[str, str | None]) -> Query:
    """Merged and closed pull requests of branches, newest first, each from its cursor on, as `n0`, `n1` and so on."""
    parts = [
        f"pullRequests(states: [CLOSED, MERGED], headRefName: $h{number}, after: $a{number},"
        f" first: {PER_HEAD}, orderBy: {{field: CREATED_AT, direction: DESC}}) {_PULLS}"
        for number in range(len(heads))
    ]
    return _of_each(heads, "h", "String!", parts, _PULL_REQUEST)


def statuses(commits: Mapping[str, str | None]) -> Query:
    """What is reported about commits, each from its cursor on, as `n0`, `n1` and so on."""
    parts = [
        f"object(oid: $o{number}) {{ ... on Commit {{ statusCheckRollup {{"
        f" contexts(first: 100, after: $a{number}) {{ ...reports }} }} }} }}"
        for number in range(len(commits))
    ]
    return _of_each(commits, "o", "GitObjectID!", parts, _REPORTS)


def _of_each(asked: Mapping[str, str | None], letter: str, kind: str, parts: Sequence[str], fragment: str) -> Query:
    """A query of many things: its part for each has the thing as a variable of that letter, and the cursor as `a`."""
    variables: dict[str, str | None] = {}
    for number, (key, after) in enumerate(asked.items()):
        variables |= {f"{letter}{number}": key, f"a{number}": after}
    declared = "".join(f", ${letter}{number}: {kind}, $a{number}: String" for number in range(len(asked)))
    named = "".join(f" n{number}: {part}" for number, part in enumerate(parts))
    text = f"query($owner: String!, $name: String!{declared}) {{ repository(owner: $owner, name: $name) {{{named} }} }}"
    return Query(text + fragment, variables)


def before_merging(number: int) -> Query:
    """What has to be known of a pull request and its repository to merge it."""
    return Query(
        "query($owner: String!, $name: String!, $number: Int!) { repository(owner: $owner, name: $name) {"
        " mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed"
        " pullRequest(number: $number) { id state headRefOid isInMergeQueue isMergeQueueEnabled } } }",
        {"number": number},
    )


def last_comment(number: int) -> Query:
    """The newest comment of a pull request."""
    return Query(
        "query($owner: String!, $name: String!, $number: Int!) { repository(owner: $owner, name: $name) {"
        " pullRequest(number: $number) { comments(last: 1) { nodes { body } } } } }",
        {"number": number},
    )


def enqueue(pull_request: str, commit: str) -> Query:
    """Gives a pull request, by its node id, to the merge queue of its base, if its head still is `commit`."""
    return Query(
        "mutation($id: ID!, $commit: GitObjectID!) {"
        " enqueuePullRequest(input: {pullRequestId: $id, expectedHeadOid: $commit}) { mergeQueueEntry { id } } }",
        {"id": pull_request, "commit": commit},
        in_repository=False,
    )
