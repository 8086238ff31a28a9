"""The git repository that one stands in."""

from __future__ import annotations

from pathlib import Path

from git import Repo
from git.exc import GitError, InvalidGitRepositoryError, NoSuchPathError


def origin(folder: Path) -> str | None:
    """The URL of the remote `origin` of the repository around `folder`; None if there is no such thing."""
    try:
        with Repo(folder, search_parent_directories=True) as repository:
            return next((remote.url for remote in repository.remotes if remote.name == "origin"), None)
    except (InvalidGitRepositoryError, NoSuchPathError, GitError):
        return None
