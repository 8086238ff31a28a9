"""The inbox as the API shows it, and reading again what could not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from updater import as_json
from updater.adapters.inbox import Inbox
from updater.adapters.inbox_rows import Row
from updater.decoding import read
from updater.errors import EventError, UpdaterError
from updater.json_shapes import EventShape
from updater.protocols import Decoder


@dataclass(frozen=True, slots=True)
class InboxRows:
    """A `web.api.Rows`."""

    inbox: Inbox
    decoders: Mapping[str, Decoder]

    def list(self, state: str | None, limit: int, before: int | None) -> Sequence[EventShape]:
        """Newest first. Raises `StorageError`."""
        return [as_json.event(row) for row in self.inbox.rows(state=state, limit=limit, before=before)]

    def show(self, number: int) -> EventShape | None:
        """One of them. Raises `StorageError`."""
        row = self.inbox.row(number)
        return None if row is None else as_json.event(row)

    def retry(self, number: int) -> bool:
        """Has one tried again; whether there is such a one. Raises `StorageError`, and `EventError` where it cannot be
        read by this release either."""
        row = self.inbox.row(number)
        if row is None:
            return False
        problems = retry(self.inbox, self.decoders, [row])
        if problems:
            raise problems[0]
        return True


def retry(inbox: Inbox, decoders: Mapping[str, Decoder], rows: Sequence[Row]) -> list[UpdaterError]:
    """Opens events again and reads what could not be read before; gives what is still wrong with that."""
    inbox.retry([row.number for row in rows if row.image is not None])
    letters = [row.number for row in rows if row.image is None]
    return [problem for number in letters if (problem := _read_again(inbox, decoders, number)) is not None]


def _read_again(inbox: Inbox, decoders: Mapping[str, Decoder], number: int) -> UpdaterError | None:
    letter = inbox.letter(number)
    if letter is None:
        return None  # forgotten in this moment
    try:
        decoded = read(decoders, letter)
    except UpdaterError as error:
        error.message = f"#{number}: {error.message}"
        return error
    if decoded.reported:
        return EventError(f"#{number} tells how a gate is, and no event", hint="`updater report` tells that")
    told = f"{len(decoded.events)} event(s)" if decoded.events else decoded.ignored or decoded.news or "nothing"
    inbox.answer(number, decoded.events, f"read again: {told}")
    return None
