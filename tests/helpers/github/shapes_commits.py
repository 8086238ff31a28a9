"""Commits, branches, statuses and check runs as the JSON of GitHub's REST API."""

from __future__ import annotations

from tests.helpers.github.access import App
from tests.helpers.github.git import Change, Commit, Signature
from tests.helpers.github.model import CheckRun, Status, stamp
from tests.helpers.github.shapes_accounts import AccountShapes, Json


class CommitShapes(AccountShapes):
    """Makes JSON of what is about commits."""

    def status(self, sha: str, status: Status, *, creator: bool = True) -> Json:
        """A status; those in the combined status of a commit do not say who made them."""
        return {
            "url": f"{self.base}/statuses/{sha}",
            "id": status.id,
            "node_id": f"SC_{status.id}",
            "avatar_url": f"{self.site}/avatars/{status.creator.id}",
            "state": status.state,
            "description": status.description,
            "target_url": status.url,
            "context": status.context,
            "created_at": stamp(status.at),
            "updated_at": stamp(status.at),
            **({"creator": self.user(status.creator)} if creator else {}),
        }

    def check_run(self, run: CheckRun, app: App) -> Json:
        url = f"{self.base}/check-runs/{run.id}"
        output = {"title": run.title, "summary": run.summary, "text": None, "annotations_count": 0}
        return {
            "id": run.id,
            "head_sha": run.sha,
            "node_id": f"CR_{run.id}",
            "external_id": "",
            "url": url,
            "html_url": f"{self.page}/runs/{run.id}",
            "details_url": run.url,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": stamp(run.started_at),
            "completed_at": run.completed_at and stamp(run.completed_at),
            "output": {**output, "annotations_url": f"{url}/annotations"},
            "name": run.name,
            "check_suite": {"id": run.id},
            "app": self.app(app),
            "pull_requests": [],
        }

    def commit(self, commit: Commit) -> Json:
        url = f"{self.base}/commits/{commit.sha}"
        inner = {
            "url": f"{self.base}/git/commits/{commit.sha}",
            "author": _signature(commit.author),
            "committer": _signature(commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{self.base}/git/trees/{commit.tree}"},
            "comment_count": 0,
        }
        parents = [{"sha": sha, "url": f"{self.base}/commits/{sha}"} for sha in commit.parents]
        return {
            "url": url,
            "sha": commit.sha,
            "node_id": f"C_{commit.sha}",
            "html_url": f"{self.page}/commit/{commit.sha}",
            "comments_url": f"{url}/comments",
            "commit": inner,
            "author": None,
            "committer": None,
            "parents": parents,
        }

    def change(self, sha: str, change: Change) -> Json:
        return {
            "sha": change.blob,
            "filename": change.path,
            "status": change.status,
            "additions": change.added,
            "deletions": change.removed,
            "changes": change.added + change.removed,
            "blob_url": f"{self.page}/blob/{sha}/{change.path}",
            "raw_url": f"{self.page}/raw/{sha}/{change.path}",
            "contents_url": f"{self.base}/contents/{change.path}?ref={sha}",
        }

    def ref(self, name: str, sha: str) -> Json:
        target = {"type": "commit", "sha": sha, "url": f"{self.base}/git/commits/{sha}"}
        return {"ref": name, "node_id": f"REF_{name}", "url": f"{self.base}/git/{name}", "object": target}

    def branch(self, name: str, sha: str) -> Json:
        url = f"{self.base}/branches/{name}"
        is_protected = name in self.repository.settings.protection
        return {
            "name": name,
            "commit": self.commit(self.repository.bare.commit(sha)),
            "_links": {"self": url, "html": f"{self.page}/tree/{name}"},
            "protected": is_protected,
            "protection": {"enabled": is_protected},
            "protection_url": f"{url}/protection",
        }


def _signature(who: Signature) -> Json:
    return {"name": who.name, "email": who.email, "date": stamp(who.at)}
