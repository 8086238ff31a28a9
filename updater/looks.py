"""What looks at registries have found, kept on the remote (`core.looks` says how)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from updater import notes, polling
from updater.core import looks
from updater.errors import GitError
from updater.notes import Note
from updater.polling import Listings, Standing
from updater.sight import Sight

_logger = logging.getLogger(__name__)


def keep(sight: Sight, pause: Callable[[int], None], listings: Listings, standing: Standing) -> list[GitError]:
    """Sees that what these lists tell is on the remote, as far as it is news. Gives what went wrong.

    `standing` is what stood before any of it landed: what has landed since is news to the next look. Until it is there,
    the next look finds the same again. `pause` waits before another try, given how many there were.
    """
    try:
        notes.write(sight, pause, looks.REF, lambda: _note(sight, listings, standing))
    except GitError as error:
        return [error]
    return []


def _note(sight: Sight, listings: Listings, standing: Standing) -> Note | None:
    files = {}
    for image, known in polling.news(sight, listings, standing).items():
        content = looks.written(image, known)
        if len(content) <= looks.MAX_BYTES:
            files[looks.file_name(image)] = content
        else:
            _logger.warning("%s has too many tags to keep them in %s: each look is a first one", image, looks.REF)
    if not files:
        return None
    repository = sight.repository
    parent = None if notes.tree(repository, looks.REF) is None else repository.tip(looks.REF)
    return Note(files, looks.title(files), parent)
