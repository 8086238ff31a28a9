"""Log lines that a thread of their own writes."""

from __future__ import annotations

import io
import threading
from typing import TextIO

import pytest

from updater.telling import lines as module
from updater.telling.lines import Lines


class Slow(io.StringIO):
    """A stream that nobody reads for now."""

    def __init__(self) -> None:
        super().__init__()
        self.read = threading.Event()  # type: ignore[assignment]
        self.writes = 0

    def write(self, text: str) -> int:
        self.read.wait(20)  # type: ignore[attr-defined]
        self.writes += 1
        return super().write(text)


def test_who_logs_does_not_wait_and_nothing_is_lost_or_out_of_order() -> None:
    stream = Slow()
    lines = Lines(stream)
    for number in range(2500):
        lines.write(f"{number}\n")
    stream.read.set()  # type: ignore[attr-defined]
    lines.close()
    assert stream.getvalue().split() == [str(number) for number in range(2500)]
    assert stream.writes < 10, "those that wait are written together"


def test_a_stream_that_is_gone_stops_nobody() -> None:
    stream: TextIO = io.StringIO()
    stream.close()
    lines = Lines(stream)
    lines.write("nobody reads this\n")
    lines.close()
    lines.write("nor this\n")


def test_a_stream_that_nobody_reads_fills_no_memory_and_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 10)
    monkeypatch.setattr(module, "_ENDING", 0.01)
    stream = Slow()
    lines = Lines(stream)
    for number in range(100):
        lines.write(f"{number}\n")
    lines.close()
    assert stream.getvalue() == ""
    stream.read.set()  # type: ignore[attr-defined]
    lines._thread.join()
    written = [int(line) for line in stream.getvalue().split()]
    assert len(written) <= 20, "what was being written, and what waited"
    assert written == sorted(written)


def test_a_line_is_written_without_another_one_behind_it() -> None:
    written = threading.Event()

    class Told(io.StringIO):
        def flush(self) -> None:
            written.set()

    lines = Lines(Told())
    lines.write("now\n")
    assert written.wait(20)
    lines.close()
