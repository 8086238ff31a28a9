"""The forge built in, for a repository that is a path: pull requests live in the bare repository itself, as refs.

    refs/pull/<n>/head                           the newest commit of pull request n; for people, as on GitHub
    refs/updater/pr/<n>                          its story: a commit for each change, with all there is in a JSON file
    refs/updater/open/<environment>/<service>    the same commit while it is open: there is one for a branch
    refs/updater/settled/<environment>/<service>/<n>    the same commit once it is merged or closed
    refs/updater/status/<commit>                 the statuses of a commit

`git log refs/updater/pr/7` reads as the story of #7. All refs of a change move together or not at all, and only where
nobody moved one meanwhile (git-update-ref(1)), so any number of processes may work at the same time. Who may push to
the repository may write all this: it says what people did as far as one trusts them. No hook runs for what is merged.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from updater.adapters.git import Git, remote
from updater.errors import ForgeError, ForgeUnavailable, UsageError
from updater.forge import Connection, Forge
from updater.forges.local.forge import LocalForge
from updater.forges.local.store import Store


def connect(connection: Connection) -> Forge:
    """The forge in a bare repository, by its path or `file://` URL.

    Raises `UsageError` where there is none, or one with a work tree: git refuses to push to the branch that is checked
    out there, so nothing could be delivered.
    """
    address = remote(connection.repository, seconds=connection.seconds)
    folder = _folder(address.url)
    store = Store(Git(address, folder))
    if (folder / ".git").exists() or not _is_bare(store):
        tree = folder.parent if folder.name == ".git" else folder
        raise UsageError(
            f"{folder} has a work tree; pull requests need a bare repository",
            hint=f"make one with `git clone --bare {tree} {tree}.git`, and give that",
        )
    return LocalForge(store, connection)


def _is_bare(store: Store) -> bool:
    if not store.git.folder.is_dir():
        raise UsageError(f"there is no git repository at {store.git.folder}", hint="check --repo or UPDATER_REPO")
    try:
        return store.output("rev-parse", "--is-bare-repository").strip() == b"true"
    except ForgeUnavailable:
        raise
    except ForgeError as error:
        raise UsageError(error.message, hint=error.hint) from error


def _folder(url: str) -> Path:
    """The folder of a repository, with or without its `.git`, as git finds it."""
    parts = urlsplit(url)
    is_here = parts.scheme == "file" and parts.netloc in ("", "localhost")
    path = Path(unquote(parts.path) if is_here else url)
    if not path.is_absolute():
        raise UsageError(
            f"{url} is no path on this machine, and the forge built in is for those",
            hint="say which forge it is with UPDATER_FORGE",
        )
    beside = path.with_name(f"{path.name}.git")
    return path if path.exists() or not beside.exists() else beside
