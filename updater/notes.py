"""Files in refs of ours beside the branches: what is kept on the remote, so that no disk is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from updater.errors import GitError, PushContended, PushRefused
from updater.protocols import Repository, Tree, Update
from updater.sight import Sight

TRIES = 12
"""How often a ref is written where others keep changing it."""


@dataclass(frozen=True, slots=True)
class Note:
    """A commit for a ref: files (name to content), the commit's message, and the commit that it follows, if any.

    Other files of that commit stay. Without any file the ref is taken away.
    """

    files: Mapping[str, bytes]
    message: str
    parent: str | None


def tree(repository: Repository, ref: str) -> Tree | None:
    """The files in a ref, as last heard; None where there is no such ref, or something else than a commit in it.

    Whoever may push to the repository may put anything there.
    """
    tip = repository.tip(ref)
    try:
        return None if tip is None else repository.tree(tip)
    except GitError:
        return None


def content(files: Tree | None, name: str, max_bytes: int) -> bytes | None:
    """A file; None where there is none, or a larger one."""
    node = None if files is None else files.node(name)
    if files is None or node is None or node.kind != "file":
        return None
    found = files.read(name)
    return found if len(found) <= max_bytes else None


def write(sight: Sight, pause: Callable[[int], None], ref: str, make: Callable[[], Note | None]) -> None:
    """Moves a ref to what `make` has of it, on the newest that anybody has written; None is that it may stay.

    `pause` waits before another try, given how many there were. Raises `GitError` where it does not get there.
    """
    repository = sight.repository
    for number in range(TRIES):
        if number:
            pause(number)
            repository.refresh()
        note = make()
        if note is None:
            return
        outcome = repository.push([Update(ref, repository.tip(ref), _built(sight, note))])[ref]
        if isinstance(outcome, PushRefused):
            raise outcome
        if outcome == "landed":
            return
    raise PushContended(f"{ref} was changed by others {TRIES} times in a row", hint="try again")


def _built(sight: Sight, note: Note) -> str | None:
    if not note.files:
        return None
    return sight.repository.build_note(note.parent, note.files, note.message, sight.clock.now())
