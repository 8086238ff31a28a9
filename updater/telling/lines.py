"""Log lines written by a thread of their own: who logs does not wait for a slow terminal, pipe or disk."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TextIO

_TOGETHER = 1000
_MOST = 100_000
"""Lines that wait at the most; further ones are left out, or a stream that nobody reads would fill the memory."""
_ENDING = 1.0


class Lines:
    """What `logging.StreamHandler` writes to. Lines that wait are written together."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Has a line written, soon."""
        if self._waiting.qsize() < _MOST:
            self._waiting.put(line)

    def flush(self) -> None:
        """Asked for after each line; they are written soon enough."""

    def isatty(self) -> bool:
        """Whether a person reads them."""
        return self._stream.isatty()

    def close(self) -> None:
        """Returns once everything is written, or nobody seems to read it. Nothing is written afterwards."""
        self._waiting.put(None)
        self._thread.join(_ENDING)

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            lines, more = [first], self._more()
            lines += [line for line in more if line is not None]
            self._write("".join(lines))
            if None in more:
                return

    def _more(self) -> list[str | None]:
        """What waits by now, up to the end if that is among it."""
        found: list[str | None] = []
        while len(found) < _TOGETHER and None not in found[-1:]:
            try:
                found.append(self._waiting.get_nowait())
            except Empty:
                break
        return found

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            """Nobody reads any more; there is nowhere to say so."""
