"""What the stand-in keeps, as the JSON of GitHub's REST API; here pull requests and what belongs to them."""

from __future__ import annotations

from tests.helpers.github import merging
from tests.helpers.github.model import Comment, Label, Pull, Review, stamp
from tests.helpers.github.shapes_accounts import Json
from tests.helpers.github.shapes_commits import CommitShapes

LINKS = ("html", "issue", "comments", "review_comments", "review_comment", "commits", "statuses")
__all__ = ["Json", "Shapes"]


class Shapes(CommitShapes):
    """Makes JSON of everything."""

    def pull(self, pull: Pull) -> Json:
        """A pull request in a list."""
        url, page = f"{self.base}/pulls/{pull.number}", f"{self.page}/pull/{pull.number}"
        issue = f"{self.base}/issues/{pull.number}"
        urls = {
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "issue_url": issue,
            "commits_url": f"{url}/commits",
            "review_comments_url": f"{url}/comments",
            "review_comment_url": f"{self.base}/pulls/comments{{/number}}",
            "comments_url": f"{issue}/comments",
            "statuses_url": f"{self.base}/statuses/{pull.sha}",
        }
        return {
            "id": pull.id,
            "node_id": f"PR_{pull.number}",
            "number": pull.number,
            "url": url,
            **urls,
            "state": "open" if pull.is_open else "closed",
            "locked": False,
            "title": pull.title,
            "user": self.user(pull.author),
            "body": pull.body,
            "labels": [self.label(label) for label in pull.labels],
            "milestone": None,
            "created_at": stamp(pull.opened_at),
            "updated_at": stamp(pull.updated_at),
            "closed_at": pull.closed_at and stamp(pull.closed_at),
            "merged_at": pull.merged_at and stamp(pull.merged_at),
            "merge_commit_sha": pull.merge_sha,
            "assignee": None,
            "assignees": [],
            "requested_reviewers": [self.user(who) for who in pull.reviewers],
            "requested_teams": [self.team(name) for name in pull.teams],
            "head": self._end(pull.head, pull.sha),
            "base": self._end(pull.base, pull.base_sha),
            "_links": {
                "self": {"href": url},
                **{name[:-4]: {"href": urls[name]} for name in urls if name[:-4] in LINKS},
            },
            "author_association": "MEMBER",
            "auto_merge": self._auto_merge(pull),
            "draft": pull.draft,
        }

    def full_pull(self, pull: Pull) -> Json:
        """A pull request by itself."""
        bare = self.repository.bare
        changes = bare.changes(pull.base_sha, pull.sha)
        can = merging.mergeable(self.repository, pull)
        return {
            **self.pull(pull),
            "merged": pull.merged_at is not None,
            "mergeable": can,
            "rebaseable": can,
            "mergeable_state": merging.state(self.repository, pull, can),
            "merged_by": pull.merged_by and self.user(pull.merged_by),
            "comments": len(pull.comments),
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": len(bare.between(pull.base_sha, pull.sha)),
            "additions": sum(change.added for change in changes),
            "deletions": sum(change.removed for change in changes),
            "changed_files": len(changes),
        }

    def label(self, label: Label) -> Json:
        return {
            "id": label.id,
            "node_id": f"LA_{label.id}",
            "url": f"{self.base}/labels/{label.name}",
            "name": label.name,
            "description": "",
            "color": "ededed",
            "default": False,
        }

    def review(self, pull: Pull, review: Review) -> Json:
        page = f"{self.page}/pull/{pull.number}#pullrequestreview-{review.id}"
        url = f"{self.base}/pulls/{pull.number}"
        return {
            "id": review.id,
            "node_id": f"PRR_{review.id}",
            "user": self.user(review.author),
            "body": review.body,
            "state": review.state,
            "html_url": page,
            "pull_request_url": url,
            "_links": {"html": {"href": page}, "pull_request": {"href": url}},
            "submitted_at": stamp(review.at),
            "commit_id": review.commit,
            "author_association": "MEMBER",
        }

    def comment(self, pull: Pull, comment: Comment) -> Json:
        return {
            "id": comment.id,
            "node_id": f"IC_{comment.id}",
            "url": f"{self.base}/issues/comments/{comment.id}",
            "html_url": f"{self.page}/pull/{pull.number}#issuecomment-{comment.id}",
            "issue_url": f"{self.base}/issues/{pull.number}",
            "body": comment.body,
            "user": self.user(comment.author),
            "created_at": stamp(comment.at),
            "updated_at": stamp(comment.at),
            "author_association": "MEMBER",
        }

    def _end(self, branch: str, sha: str) -> Json:
        owner = self.repository.owner
        label = f"{owner.login}:{branch}"
        return {"label": label, "ref": branch, "sha": sha, "user": self.user(owner), "repo": self.full_repository()}

    def _auto_merge(self, pull: Pull) -> Json | None:
        if pull.auto_merge is None:
            return None
        actor, method = pull.auto_merge
        return {"enabled_by": self.user(actor), "merge_method": method, "commit_title": "", "commit_message": ""}
