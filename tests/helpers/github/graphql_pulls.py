"""The fields of pull requests and what belongs to them, one line each. They register themselves by being imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.helpers.github import merging
from tests.helpers.github.graphql_fields import commit_of, ref, state_of
from tests.helpers.github.graphql_types import Closing, Context, Entry, attributes, define, reports
from tests.helpers.github.model import Pull, Review

Arguments = Mapping[str, Any]


def _commits(context: Context, pull: Pull, _: Arguments) -> list[Any]:
    return context.repository.bare.between(pull.base_sha, pull.sha)


def _reviews(_: Context, pull: Pull, given: Arguments) -> list[Review]:
    states = given.get("states")
    return [
        review
        for review in pull.reviews
        if (states is None or review.state in states) and given.get("author") in (None, review.author.login)
    ]


def _latest_reviews(_: Context, pull: Pull, __: Arguments) -> list[Review]:
    return list({review.author.login: review for review in pull.reviews}.values())


def _opinions(_: Context, pull: Pull, given: Arguments) -> list[Review]:
    return [review for review in pull.opinions if review.author.writes or not given.get("writersOnly")]


def entry(context: Context, pull: Pull) -> Entry | None:
    """The place of a pull request in its merge queue."""
    waiting = merging.queue(context.repository, pull.base)
    return Entry(pull, waiting.index(pull) + 1) if pull in waiting else None


def _mergeable(context: Context, pull: Pull, _: Arguments) -> str:
    return {None: "UNKNOWN", True: "MERGEABLE", False: "CONFLICTING"}[context.mergeable(pull)]


def _merge_state(context: Context, pull: Pull, _: Arguments) -> str:
    return merging.state(context.repository, pull, context.mergeable(pull)).upper()


define("MergeQueue", "id", "ID!", lambda _, branch, __: f"MQ_{branch}")
define(
    "MergeQueue",
    "entries",
    "MergeQueueEntryConnection",
    lambda context, branch, _: [entry(context, pull) for pull in merging.queue(context.repository, branch)],
)
define("MergeQueueEntry", "id", "ID!", lambda _, entry, __: f"MQE_{entry.pull.number}")
define("MergeQueueEntry", "state", "MergeQueueEntryState!", lambda *_: "QUEUED")
attributes("MergeQueueEntry", "Int!", position="position")
attributes("MergeQueueEntry", "PullRequest", pullRequest="pull")
attributes("MergeQueueEntry", "DateTime!", enqueuedAt="pull.enqueued_at")


define("PullRequest", "id", "ID!", lambda _, pull, __: f"PR_{pull.number}")
define("PullRequest", "state", "PullRequestState!", lambda _, pull, __: state_of(pull))
define("PullRequest", "body", "String!", lambda _, pull, __: pull.body or "")
define("PullRequest", "url", "URI!", lambda context, pull, _: f"{context.shapes.page}/pull/{pull.number}")
define("PullRequest", "isCrossRepository", "Boolean!", lambda *_: False)
define("PullRequest", "closed", "Boolean!", lambda _, pull, __: not pull.is_open)
define("PullRequest", "merged", "Boolean!", lambda _, pull, __: pull.merged_at is not None)
define("PullRequest", "isInMergeQueue", "Boolean!", lambda context, pull, _: entry(context, pull) is not None)
define(
    "PullRequest",
    "isMergeQueueEnabled",
    "Boolean!",
    lambda context, pull, _: context.repository.protection(pull.base).queue,
)
define("PullRequest", "mergeQueueEntry", "MergeQueueEntry", lambda context, pull, _: entry(context, pull))
define("PullRequest", "mergeable", "MergeableState!", _mergeable)
define("PullRequest", "mergeStateStatus", "MergeStateStatus!", _merge_state)
define("PullRequest", "mergeCommit", "Commit", lambda context, pull, _: commit_of(context, pull.merge_sha))
define("PullRequest", "headRef", "Ref", lambda context, pull, _: ref(context.repository, pull.head))
define("PullRequest", "baseRef", "Ref", lambda context, pull, _: ref(context.repository, pull.base))
define("PullRequest", "labels", "LabelConnection", lambda _, pull, __: pull.labels)
define("PullRequest", "comments", "IssueCommentConnection!", lambda _, pull, __: pull.comments)
define("PullRequest", "commits", "PullRequestCommitConnection!", _commits)
define(
    "PullRequest",
    "reviews",
    "PullRequestReviewConnection",
    _reviews,
    states="[PullRequestReviewState!]",
    author="String",
)
define("PullRequest", "latestReviews", "PullRequestReviewConnection", _latest_reviews)
define("PullRequest", "latestOpinionatedReviews", "PullRequestReviewConnection", _opinions, writersOnly="Boolean")
define(
    "PullRequest",
    "reviewDecision",
    "PullRequestReviewDecision",
    lambda context, pull, _: merging.decision(context.repository, pull),
)
define("PullRequest", "reviewRequests", "ReviewRequestConnection", lambda _, pull, __: [*pull.reviewers, *pull.teams])
define(
    "PullRequest",
    "timelineItems",
    "PullRequestTimelineItemsConnection!",
    lambda _, pull, __: [Closing(*closing) for closing in pull.closings],
    itemTypes="[PullRequestTimelineItemsItemType!]",
)
define("PullRequest", "statusCheckRollup", "StatusCheckRollup", lambda context, pull, _: reports(context, pull.sha))
attributes("PullRequest", "Int!", number="number")
attributes("PullRequest", "Boolean!", isDraft="draft")
attributes("PullRequest", "String!", title="title", headRefName="head", baseRefName="base")
attributes("PullRequest", "GitObjectID!", headRefOid="sha", baseRefOid="base_sha")
attributes("PullRequest", "DateTime!", createdAt="opened_at", updatedAt="updated_at")
attributes("PullRequest", "DateTime", closedAt="closed_at", mergedAt="merged_at")
attributes("PullRequest", "Actor", author="author", mergedBy="merged_by")

define("ReviewRequest", "requestedReviewer", "RequestedReviewer", lambda _, whom, __: whom)
define("Label", "id", "ID!", lambda _, label, __: f"LA_{label.id}")
attributes("Label", "String!", name="name")
define("IssueComment", "id", "ID!", lambda _, comment, __: f"IC_{comment.id}")
attributes("IssueComment", "String!", body="body")
attributes("IssueComment", "Actor", author="author")
attributes("IssueComment", "DateTime!", createdAt="at")
define("PullRequestReview", "id", "ID!", lambda _, review, __: f"PRR_{review.id}")
define("PullRequestReview", "commit", "Commit", lambda context, review, _: commit_of(context, review.commit))
attributes("PullRequestReview", "String!", body="body")
attributes("PullRequestReview", "PullRequestReviewState!", state="state")
attributes("PullRequestReview", "Actor", author="author")
attributes("PullRequestReview", "DateTime", submittedAt="at")
attributes("ClosedEvent", "Actor", actor="actor")
attributes("ClosedEvent", "DateTime!", createdAt="at")
define("PullRequestCommit", "commit", "Commit!", lambda _, commit, __: commit)
