"""The git repository that one stands in."""

from __future__ import annotations

import re
from pathlib import Path

from git import Git, Repo
from git.exc import GitError, InvalidGitRepositoryError, NoSuchPathError

from updater.model import Identity

_RELATIVE = ("./", "../")
_IDENTITY = re.compile(r"(?P<name>[^<>]*?) *<(?P<email>[^<>\s]+)> [0-9]+ [-+][0-9]+")


def origin(folder: Path) -> str | None:
    """The URL of the remote `origin` of the repository around `folder`; None if there is no such thing.

    A relative path in it counts from the top of the repository, as it does for git.
    """
    try:
        with Repo(folder, search_parent_directories=True) as repository:
            urls = (getattr(remote, "url", None) for remote in repository.remotes if remote.name == "origin")
            url: str | None = next(urls, None)
            top = repository.working_dir
            return str(Path(top, url).resolve()) if url is not None and url.startswith(_RELATIVE) else url
    except (InvalidGitRepositoryError, NoSuchPathError, GitError):
        return None


def person(folder: Path) -> Identity | None:
    """Who git takes the author of a commit in `folder` for (git-var(1)); None where it does not know."""
    try:
        found = _IDENTITY.fullmatch(Git(folder).var("GIT_AUTHOR_IDENT"))
    except (GitError, OSError):
        return None
    return Identity(found["name"], found["email"]) if found and found["name"] else None
