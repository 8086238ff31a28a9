"""The fields of the GraphQL types, one line each. They register themselves by being imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.helpers.github.graphql_types import (
    Context,
    Ref,
    Reports,
    Resolver,
    Unavailable,
    attributes,
    by_id,
    define,
    overall,
    reports,
)
from tests.helpers.github.model import Account, Pull
from tests.helpers.github.repository import HEADS, Repository

Arguments = Mapping[str, Any]


def _repository(context: Context, _: Any, given: Arguments) -> Repository:
    name = f"{given['owner']}/{given['name']}"
    if name.lower() != context.repository.name.lower() or not context.token.sees:
        raise Unavailable("NOT_FOUND", f"Could not resolve to a Repository with the name '{name}'.")
    return context.repository


def _pull(_: Context, repository: Repository, given: Arguments) -> Pull:
    if given["number"] not in repository.pulls:
        number = given["number"]
        raise Unavailable("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
    return repository.pulls[given["number"]]


def state_of(pull: Pull) -> str:
    """GitHub's three states."""
    return "OPEN" if pull.is_open else "CLOSED" if pull.merged_at is None else "MERGED"


def _pulls(_: Context, repository: Repository, given: Arguments) -> list[Pull]:
    """Those that are asked for, oldest first where no order is."""
    states, labels = given.get("states"), given.get("labels")
    found = [
        pull
        for pull in repository.pulls.values()
        if (states is None or state_of(pull) in states)
        and given.get("headRefName") in (None, pull.head)
        and given.get("baseRefName") in (None, pull.base)
        and (not labels or {label.name for label in pull.labels} & set(labels))
    ]
    order = given.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
    is_by_update = order["field"] == "UPDATED_AT"
    found.sort(key=lambda pull: (pull.updated_at, pull.number) if is_by_update else (pull.number,))
    return found[::-1] if order["direction"] == "DESC" else found


def _object(context: Context, repository: Repository, given: Arguments) -> Any:
    sha = repository.bare.resolve(given.get("oid") or given.get("expression") or "HEAD")
    return sha and repository.bare.commit(sha)


def ref(repository: Repository, name: str) -> Ref | None:
    """A branch by its name, or any ref by its whole one."""
    whole = name if name.startswith("refs/") else HEADS + name
    sha = repository.tips.get(whole)
    return Ref(whole, sha) if sha else None


def _queue(_: Context, repository: Repository, given: Arguments) -> str | None:
    """The branch whose queue it is; None where it has none."""
    branch = given.get("branch") or repository.default_branch
    return branch if repository.protection(branch).queue else None


def _allows(method: str) -> Resolver:
    return lambda _, repository, __: method in repository.settings.methods


def _login(_: Context, account: Account, __: Arguments) -> str:
    """Bots have no `[bot]` here, unlike in the REST API."""
    return account.login.removesuffix("[bot]")


def commit_of(context: Context, sha: str | None) -> Any:
    """A commit by its id, if there is any."""
    return sha and context.repository.bare.commit(sha)


def _statuses(context: Context, commit: Any, _: Arguments) -> Reports | None:
    found = context.repository.latest(commit.sha)
    return Reports(commit.sha, list(found)) if found else None


def _rate(name: str) -> Any:
    return lambda context, _, __: context.limits.budget(context.token.account.login, "graphql").body[name]


def _reset(context: Context, _: Any, __: Arguments) -> str:
    reset = context.limits.budget(context.token.account.login, "graphql").reset
    return reset.strftime("%Y-%m-%dT%H:%M:%SZ")


define("Query", "repository", "Repository", _repository, owner="String!", name="String!", followRenames="Boolean")
define("Query", "viewer", "User!", lambda context, *_: context.token.account)
define("Query", "rateLimit", "RateLimit", lambda *_: True, dryRun="Boolean")
define("Query", "node", "Node", lambda context, _, given: by_id(context.repository, given["id"]), id="ID!")

define("RateLimit", "cost", "Int!", lambda context, *_: context.cost)
define("RateLimit", "nodeCount", "Int!", lambda context, *_: context.nodes)
define("RateLimit", "resetAt", "DateTime!", _reset)
for _name in ("limit", "remaining", "used"):
    define("RateLimit", _name, "Int!", _rate(_name))

for _kind in ("Actor", "User", "Bot", "Organization", "RepositoryOwner"):
    define(_kind, "login", "String!", _login)
    if _kind != "Actor":
        define(_kind, "id", "ID!", lambda _, account, __: f"U_{account.id}")
define("Team", "slug", "String!", lambda _, team, __: team)
define("Team", "name", "String!", lambda _, team, __: team)

define("Repository", "id", "ID!", lambda *_: "R_1")
define("Repository", "name", "String!", lambda _, repository, __: repository.name.partition("/")[2])
define("Repository", "url", "URI!", lambda context, *_: context.shapes.page)
define("Repository", "pullRequest", "PullRequest", _pull, number="Int!")
define(
    "Repository",
    "pullRequests",
    "PullRequestConnection!",
    _pulls,
    states="[PullRequestState!]",
    labels="[String!]",
    headRefName="String",
    baseRefName="String",
    orderBy="IssueOrder",
)
define("Repository", "object", "GitObject", _object, oid="GitObjectID", expression="String")
define("Repository", "defaultBranchRef", "Ref", lambda _, found, __: ref(found, found.default_branch))
define("Repository", "ref", "Ref", lambda _, found, given: ref(found, given["qualifiedName"]), qualifiedName="String!")
define(
    "Repository",
    "label",
    "Label",
    lambda _, found, given: found.labels.get(given["name"].lower()),
    name="String!",
)
define("Repository", "mergeQueue", "MergeQueue", _queue, branch="String")
for _name, _method in (("merge", "mergeCommit"), ("squash", "squashMerge"), ("rebase", "rebaseMerge")):
    define("Repository", f"{_method}Allowed", "Boolean!", _allows(_name))
attributes("Repository", "Boolean!", autoMergeAllowed="settings.auto_merge", deleteBranchOnMerge="settings.delete_head")
attributes("Repository", "RepositoryOwner!", owner="owner")
attributes("Repository", "String!", nameWithOwner="name")

define("Ref", "name", "String!", lambda _, ref, __: ref.name.removeprefix(HEADS))
define("Ref", "target", "GitObject", lambda context, ref, _: commit_of(context, ref.sha))

define("GitObject", "id", "ID!", lambda _, commit, __: f"C_{commit.sha}")
attributes("GitObject", "GitObjectID!", oid="sha")
define("Commit", "id", "ID!", lambda _, commit, __: f"C_{commit.sha}")
define("Commit", "messageHeadline", "String!", lambda _, commit, __: commit.message.partition("\n")[0])
define(
    "Commit",
    "history",
    "CommitHistoryConnection!",
    lambda context, commit, _: context.repository.bare.history(commit.sha, 10_000),
)
define("Commit", "status", "Status", _statuses)
define("Commit", "statusCheckRollup", "StatusCheckRollup", lambda context, commit, _: reports(context, commit.sha))
attributes("Commit", "GitObjectID!", oid="sha")
attributes("Commit", "String!", message="message")
attributes("Commit", "DateTime!", committedDate="committer.at", authoredDate="author.at")

for _kind in ("Status", "StatusCheckRollup"):
    define(_kind, "state", "StatusState!", lambda _, found, __: overall(found.items))
define("Status", "contexts", "[StatusContext!]!", lambda _, found, __: found.items)
define("StatusCheckRollup", "contexts", "StatusCheckRollupContextConnection!", lambda _, found, __: found.items)
define("StatusContext", "state", "StatusState!", lambda _, status, __: status.state.upper())
attributes("StatusContext", "String!", context="context")
attributes("StatusContext", "String", description="description")
attributes("StatusContext", "URI", targetUrl="url")
attributes("StatusContext", "DateTime!", createdAt="at")
attributes("StatusContext", "Actor", creator="creator")
define("CheckRun", "status", "CheckStatusState!", lambda _, run, __: run.status.upper())
define("CheckRun", "conclusion", "CheckConclusionState", lambda _, run, __: run.conclusion and run.conclusion.upper())
define("CheckRun", "url", "URI!", lambda context, run, _: f"{context.shapes.page}/runs/{run.id}")
attributes("CheckRun", "String!", name="name")
attributes("CheckRun", "String", title="title", summary="summary")
attributes("CheckRun", "URI", detailsUrl="url")
attributes("CheckRun", "DateTime", startedAt="started_at", completedAt="completed_at")
