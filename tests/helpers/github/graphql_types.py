"""The part of GitHub's GraphQL schema that the stand-in serves: types, their fields, and where the values come from.

https://docs.github.com/en/graphql/reference
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.helpers.github import merging
from tests.helpers.github.access import Token
from tests.helpers.github.git import Commit
from tests.helpers.github.graphql_schema import PAGE, POSSIBLE
from tests.helpers.github.limits import Limits
from tests.helpers.github.model import Account, CheckRun, Comment, Label, Pull, Review, Status, stamp
from tests.helpers.github.refusals import Refusal
from tests.helpers.github.repository import Repository
from tests.helpers.github.shapes import Shapes


@dataclass
class Context:
    """What resolvers have at hand. `cost` and `nodes` are those of the whole request."""

    repository: Repository
    limits: Limits
    shapes: Shapes
    token: Token
    cost: int
    nodes: int
    can_merge: dict[int, bool | None] = field(default_factory=dict)

    def mergeable(self, pull: Pull) -> bool | None:
        """Whether git can merge, the same throughout one request."""
        if pull.number not in self.can_merge:
            self.can_merge[pull.number] = merging.mergeable(self.repository, pull)
        return self.can_merge[pull.number]


class Unavailable(Exception):
    """A value that cannot be given; the rest of the answer can."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


Resolver = Callable[[Context, Any, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Known:
    """A field: its type, its arguments with theirs, and where its value comes from. Of a connection that is a list."""

    type: str
    resolve: Resolver
    arguments: Mapping[str, str]

    @property
    def base(self) -> str:
        return self.type.strip("[]!")


@dataclass(frozen=True)
class Entry:
    """A pull request in a merge queue."""

    pull: Pull
    position: int


@dataclass(frozen=True)
class Ref:
    name: str
    sha: str


@dataclass(frozen=True)
class Closing:
    """That somebody closed a pull request, or merged it."""

    actor: Account
    at: datetime


@dataclass(frozen=True)
class Reports:
    """The statuses and check runs of a commit, or the statuses alone."""

    sha: str
    items: list[Any]


TYPES: dict[str, dict[str, Known]] = {}
_NAMES: dict[type, str] = {
    Pull: "PullRequest",
    Review: "PullRequestReview",
    Comment: "IssueComment",
    Label: "Label",
    Commit: "Commit",
    Status: "StatusContext",
    CheckRun: "CheckRun",
    Closing: "ClosedEvent",
}


def type_of(declared: str, value: Any) -> str:
    """The name of a value's type, where `declared` may be an interface or union."""
    if declared not in POSSIBLE:
        return declared
    return value.type if isinstance(value, Account) else _NAMES.get(type(value), "Team")


def define(owner: str, name: str, kind: str, resolve: Resolver, /, **arguments: str) -> None:
    """Adds a field. A connection gets the arguments of paging."""
    pages = PAGE if kind.rstrip("!").endswith("Connection") else {}
    TYPES.setdefault(owner, {})[name] = Known(kind, resolve, {**pages, **arguments})


def attributes(owner: str, kind: str, /, **names: str) -> None:
    """Adds fields that are attributes of a value: field to attribute."""
    for name, attribute in names.items():
        define(owner, name, kind, _attribute(attribute))


def member(name: str) -> Resolver:
    """Takes a value out of a dictionary."""
    return lambda _, value, __: value[name]


def _attribute(path: str) -> Resolver:
    def resolve(_: Context, value: Any, __: Mapping[str, Any]) -> Any:
        for name in path.split("."):
            value = getattr(value, name)
        return stamp(value) if isinstance(value, datetime) else value

    return resolve


def reports(context: Context, sha: str) -> Reports | None:
    """What is reported about a commit; None where nothing is."""
    repository = context.repository
    items = [*repository.latest(sha)[::-1], *repository.checks(sha)]
    return Reports(sha, items) if items else None


def overall(items: list[Any]) -> str:
    """One state for many reports."""
    states = {item.state if isinstance(item, Status) else item.conclusion or "pending" for item in items}
    if bad := states - {*merging.GREEN, "pending"}:
        return "ERROR" if bad == {"error"} else "FAILURE"
    return "PENDING" if "pending" in states else "SUCCESS"


def by_id(repository: Repository, node: str) -> Pull:
    """The pull request of a node id."""
    kind, _, number = node.partition("_")
    if kind != "PR" or not number.isdecimal() or int(number) not in repository.pulls:
        raise Unavailable("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'")
    return repository.pulls[int(number)]


def unprocessable(refusal: Refusal) -> Unavailable:
    return Unavailable("UNPROCESSABLE", refusal.message)
