"""The git repository that one stands in."""

from __future__ import annotations

from pathlib import Path

from git import Repo
from git.exc import GitError, InvalidGitRepositoryError, NoSuchPathError

_RELATIVE = ("./", "../")


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
