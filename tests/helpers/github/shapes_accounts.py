"""Accounts, the repository, teams and Apps as the JSON of GitHub's REST API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.helpers.github.access import App, Token
from tests.helpers.github.model import Account, stamp
from tests.helpers.github.repository import Repository

Json = dict[str, Any]
USER_URLS = [
    "followers",
    "following",
    "gists",
    "starred",
    "subscriptions",
    "organizations",
    "repos",
    "events",
    "received_events",
]
REPOSITORY_URLS = [
    "archive",
    "assignees",
    "blobs",
    "branches",
    "collaborators",
    "comments",
    "commits",
    "compare",
    "contents",
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "git_commits",
    "git_refs",
    "git_tags",
    "hooks",
    "issue_comment",
    "issue_events",
    "issues",
    "keys",
    "labels",
    "languages",
    "merges",
    "milestones",
    "notifications",
    "pulls",
    "releases",
    "stargazers",
    "statuses",
    "subscribers",
    "subscription",
    "tags",
    "teams",
    "trees",
]
ZERO_COUNTS = [
    "forks_count",
    "stargazers_count",
    "watchers_count",
    "size",
    "open_issues_count",
    "subscribers_count",
    "network_count",
    "forks",
    "open_issues",
    "watchers",
]


@dataclass(frozen=True)
class AccountShapes:
    """Makes JSON of things in a repository. `api` and `site` are what URLs begin with."""

    repository: Repository
    api: str
    site: str

    @property
    def base(self) -> str:
        return f"{self.api}/repos/{self.repository.name}"

    @property
    def page(self) -> str:
        return f"{self.site}/{self.repository.name}"

    def user(self, account: Account) -> Json:
        url = f"{self.api}/users/{account.login}"
        return {
            "login": account.login,
            "id": account.id,
            "node_id": f"U_{account.id}",
            "avatar_url": f"{self.site}/avatars/{account.id}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.site}/{account.login}",
            **{f"{name}_url": f"{url}/{name}" for name in USER_URLS},
            "type": account.type,
            "site_admin": False,
        }

    def myself(self, account: Account) -> Json:
        blank = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio"))
        counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
        created = stamp(self.repository.created_at)
        return {**self.user(account), **blank, **counts, "created_at": created, "updated_at": created}

    def short_repository(self) -> Json:
        _, _, name = self.repository.name.partition("/")
        return {
            "id": 1,
            "node_id": "R_1",
            "name": name,
            "full_name": self.repository.name,
            "owner": self.user(self.repository.owner),
            "private": True,
            "description": None,
            "fork": False,
            "url": self.base,
            "html_url": self.page,
            **{f"{name}_url": f"{self.base}/{name}" for name in REPOSITORY_URLS},
        }

    def full_repository(self, token: Token | None = None) -> Json:
        created, methods = stamp(self.repository.created_at), self.repository.settings.methods
        may = {"admin": False, "push": token.may("contents:write"), "pull": token.may("contents:read")} if token else {}
        return {
            **self.short_repository(),
            "clone_url": f"{self.page}.git",
            "git_url": f"{self.page}.git",
            "ssh_url": f"{self.page}.git",
            "svn_url": self.page,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "license": None,
            "default_branch": self.repository.default_branch,
            **dict.fromkeys(("has_issues", "has_projects", "has_wiki", "has_downloads"), True),
            **dict.fromkeys(("has_pages", "has_discussions", "archived", "disabled"), False),
            **dict.fromkeys(("created_at", "updated_at", "pushed_at"), created),
            **dict.fromkeys(ZERO_COUNTS, 0),
            "allow_merge_commit": "merge" in methods,
            "allow_squash_merge": "squash" in methods,
            "allow_rebase_merge": "rebase" in methods,
            "allow_auto_merge": self.repository.settings.auto_merge,
            "delete_branch_on_merge": self.repository.settings.delete_head,
            **({"permissions": may} if may else {}),
        }

    def team(self, name: str) -> Json:
        url = f"{self.api}/organizations/{self.repository.owner.id}/team/{name}"
        return {
            "id": 1 + sorted(self.repository.teams).index(name),
            "node_id": f"T_{name}",
            "name": name,
            "slug": name,
            "description": None,
            "permission": "push",
            "url": url,
            "html_url": f"{self.site}/orgs/{self.repository.owner.login}/teams/{name}",
            "members_url": f"{url}/members{{/member}}",
            "repositories_url": f"{url}/repos",
            "type": "organization",
            "parent": None,
        }

    def app(self, app: App) -> Json:
        created = stamp(app.installed_at)
        return {
            "id": app.id,
            "slug": app.slug,
            "node_id": f"A_{app.id}",
            "owner": self.user(self.repository.owner),
            "name": app.slug,
            "description": None,
            "external_url": self.site,
            "html_url": f"{self.site}/apps/{app.slug}",
            "created_at": created,
            "updated_at": created,
            "permissions": dict(app.rights),
            "events": [],
        }

    def installation(self, app: App) -> Json:
        url, created = f"{self.api}/app/installations/{app.installation}", stamp(app.installed_at)
        owner = self.repository.owner
        both = {"name": owner.login, "slug": owner.login, "created_at": created, "updated_at": created}
        return {
            "id": app.installation,
            "account": {**self.user(owner), **both},  # the description wants one that is user and enterprise at once
            "repository_selection": "selected",
            "access_tokens_url": f"{url}/access_tokens",
            "repositories_url": f"{self.api}/installation/repositories",
            "html_url": f"{self.site}/organizations/{owner.login}/settings/installations",
            "app_id": app.id,
            "app_slug": app.slug,
            "target_id": owner.id,
            "target_type": "Organization",
            "permissions": dict(app.rights),
            "events": [],
            "created_at": created,
            "updated_at": created,
            "single_file_name": None,
            "suspended_by": None,
            "suspended_at": None,
        }
