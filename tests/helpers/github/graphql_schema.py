"""The names of GitHub's GraphQL schema that have no fields of their own: interfaces, unions, enums, inputs.

https://docs.github.com/en/graphql/reference
"""

from __future__ import annotations

POSSIBLE = {
    "Actor": ("User", "Bot", "Organization"),
    "RepositoryOwner": ("User", "Organization"),
    "RequestedReviewer": ("User", "Bot", "Team"),
    "GitObject": ("Commit",),
    "Node": ("PullRequest", "Commit"),
    "Labelable": ("PullRequest",),
    "StatusCheckRollupContext": ("StatusContext", "CheckRun"),
    "PullRequestTimelineItems": ("ClosedEvent",),
}
"""Interfaces and unions, and what is behind them here."""
CONNECTIONS = {
    "CommitHistoryConnection": "Commit",
    "IssueCommentConnection": "IssueComment",
    "LabelConnection": "Label",
    "MergeQueueEntryConnection": "MergeQueueEntry",
    "PullRequestCommitConnection": "PullRequestCommit",
    "PullRequestConnection": "PullRequest",
    "PullRequestReviewConnection": "PullRequestReview",
    "PullRequestTimelineItemsConnection": "PullRequestTimelineItems",
    "ReviewRequestConnection": "ReviewRequest",
    "StatusCheckRollupContextConnection": "StatusCheckRollupContext",
}
PAGE = {"first": "Int", "last": "Int", "after": "String", "before": "String"}
ENUMS = {
    "PullRequestState": ("OPEN", "CLOSED", "MERGED"),
    "PullRequestReviewState": ("APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"),
    "PullRequestTimelineItemsItemType": ("CLOSED_EVENT",),
    "PullRequestMergeMethod": ("MERGE", "SQUASH", "REBASE"),
    "PullRequestOrderField": ("CREATED_AT", "UPDATED_AT"),
    "IssueOrderField": ("CREATED_AT", "UPDATED_AT"),
    "OrderDirection": ("ASC", "DESC"),
}
INPUTS = {
    "IssueOrder": {"field": "IssueOrderField!", "direction": "OrderDirection!"},
    "EnqueuePullRequestInput": {
        "clientMutationId": "String",
        "pullRequestId": "ID!",
        "expectedHeadOid": "GitObjectID",
        "jump": "Boolean",
    },
    "EnablePullRequestAutoMergeInput": {
        "clientMutationId": "String",
        "pullRequestId": "ID!",
        "expectedHeadOid": "GitObjectID",
        "mergeMethod": "PullRequestMergeMethod",
        "commitHeadline": "String",
        "commitBody": "String",
        "authorEmail": "String",
    },
    "AddLabelsToLabelableInput": {"clientMutationId": "String", "labelableId": "ID!", "labelIds": "[ID!]!"},
}
RIGHTS = {
    "PullRequest": "pull_requests:read",
    "Commit": "contents:read",
    "Ref": "contents:read",
    "StatusContext": "statuses:read",
    "CheckRun": "checks:read",
}
"""What a token needs to be given values of a type."""
