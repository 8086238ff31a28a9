"""What looks at registries have found, kept on the remote (`core.looks` says how)."""

from __future__ import annotations

from collections.abc import Callable

from updater import notes, polling
from updater.core import looks
from updater.core.sightings import Knowledge, is_news
from updater.errors import GitError, PushRefused
from updater.notes import Note
from updater.polling import Listings
from updater.sight import Sight


def keep(sight: Sight, pause: Callable[[int], None], listings: Listings) -> list[GitError]:
    """Sees that what these lists tell is on the remote, as far as it is news. Gives what went wrong.

    Until it is there, the next look finds the same again. `pause` waits before another try, given how many there were.
    """
    try:
        notes.write(sight, pause, looks.REF, lambda: _news(sight, listings))
    except GitError as error:
        return [error]
    return []


def _news(sight: Sight, listings: Listings) -> Note | None:
    found = {
        image: known for image, known in polling.looked_at(sight, listings).items() if _is_news(sight, image, known)
    }
    if not found:
        return None
    files = {looks.file_name(image): looks.written(image, known) for image, known in found.items()}
    for image in found:
        size = len(files[looks.file_name(image)])
        if size > looks.MAX_BYTES:
            raise PushRefused(f"{image}: its tags take {size} bytes in {looks.REF}; up to {looks.MAX_BYTES} are kept")
    repository = sight.repository
    parent = None if notes.tree(repository, looks.REF) is None else repository.tip(looks.REF)
    return Note(files, looks.title(found), parent)


def _is_news(sight: Sight, image: str, known: Knowledge) -> bool:
    return is_news(polling.known(sight, image), known)
