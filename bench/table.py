"""Figures as tables and a chart, and their place in the README."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bench.measure import Figures
from bench.tools import git

BEGIN, END = "<!-- figures: written by `make bench WRITE=1` -->", "<!-- end of figures -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what was measured, on what, and what it is compared with; `key` is the letter for `--only`."""

    key: str
    what: str
    where: str
    ours: Figures
    against: str = ""
    other: Figures | None = None
    target: str = ""
    met: bool | None = None
    unit: Literal["time", "MB", "KB", "calls", "pushes", "a second"] = "time"

    @property
    def ratio(self) -> Figures | None:
        """How many times the other."""
        return None if self.other is None else self.ours.over(self.other)


@dataclass(frozen=True, slots=True)
class Shares:
    """Where the time of one thing goes: seconds by part."""

    what: str
    parts: Mapping[str, float]


def at_most(limit: float, row: Row) -> Row:
    """The row with a target for its ratio."""
    assert row.ratio is not None
    return _aimed(row, f"at most {limit:g}x", met=row.ratio.median <= limit)


def below(limit: float, row: Row) -> Row:
    """The row with a target for the figure itself, in seconds or megabytes."""
    return _aimed(row, f"under {_amount(limit, row.unit)}", met=row.ours.median < limit)


def times_faster(times: float, row: Row) -> Row:
    """The row with a target for how much faster than the other it is."""
    assert row.ratio is not None
    return _aimed(row, f"{times:g}x faster", met=row.ratio.median <= 1 / times)


def _aimed(row: Row, text: str, *, met: bool) -> Row:
    both = f"{row.target}, {text}" if row.target else text
    return replace(row, target=both, met=met and row.met is not False)


def results(rows: Sequence[Row]) -> str:
    """The table of all rows, in Markdown."""
    head = ("", "what", "on", "ours", "against", "ratio", "target")
    return _markdown(head, [_cells(row) for row in rows])


def line(row: Row) -> str:
    """A row in a line of its own."""
    return " | ".join(cell for cell in _cells(row) if cell)


def breakdown(shares: Sequence[Shares]) -> str:
    """The table of where the time goes, a column for each thing."""
    parts = list(dict.fromkeys(part for each in shares for part in each.parts))
    lines = [[part, *(_part(each, part) for each in shares)] for part in parts]
    whole = ["**all**", *(_amount(sum(each.parts.values()), "time") for each in shares)]
    return _markdown(("where the time goes", *(each.what for each in shares)), [*lines, whole])


def chart(rows: Iterable[Row]) -> str:
    """One event against the floor, as a Mermaid chart."""
    shown = [(row, row.other) for row in rows if row.key == "a" and row.other is not None]
    names = ", ".join(f'"{row.where}"' for row, _ in shown)
    floors = ", ".join(f"{other.median * 1000:.0f}" for _, other in shown)
    ours = ", ".join(f"{row.ours.median * 1000:.0f}" for row, _ in shown)
    lines = (
        "```mermaid", "xychart-beta", '    title "One event to pushed commit, in ms: bar ours, line git\'s floor"',
        f"    x-axis [{names}]", '    y-axis "ms"', f"    bar [{ours}]", f"    line [{floors}]", "```",
    )  # fmt: skip
    return "\n".join(lines) if shown else ""


def machine(folder: Path) -> str:
    """What it ran on, and when."""
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {_processor()}, {os.cpu_count()} cores, {_memory()} of memory; "
        f"{git(folder, 'version').decode().strip()}, Python {platform.python_version()}, {platform.system()}."
    )


def written(readme: str, figures: str) -> str:
    """The README with new figures between its two marks. Raises ValueError where it has none."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no {BEGIN} with {END} after it")
    return f"{before}{begin}\n\n{figures.strip()}\n\n{end}{after}"


def _cells(row: Row) -> list[str]:
    against = row.against if row.other is None else f"{row.against}: {_figures(row.other, row.unit)}"
    ratio = "" if row.ratio is None else _ratio(row.ratio)
    verdict = {None: "", True: ": met", False: ": **missed**"}[row.met]
    return [row.key, row.what, row.where, _figures(row.ours, row.unit), against, ratio, row.target + verdict]


def _figures(figures: Figures, unit: str) -> str:
    low, high = figures.spread
    if len(figures.values) == 1:
        return _amount(figures.median, unit)
    return f"{_amount(figures.median, unit)} ({_amount(low, unit)} to {_amount(high, unit)})"


def _ratio(ratio: Figures) -> str:
    def told(value: float) -> str:
        return f"1/{1 / value:,.0f}" if ratio.median < 0.1 else f"{value:.2f}"

    low, high = ratio.spread
    return told(ratio.median) if len(ratio.values) == 1 else f"{told(ratio.median)} ({told(low)} to {told(high)})"


def _amount(value: float, unit: str) -> str:
    if unit != "time":
        return f"{value:.0f} {unit}"
    if value >= 1:
        return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s"
    return f"{value * 1000:.0f} ms" if value >= 0.1 else f"{value * 1000:.3g} ms"


def _part(shares: Shares, part: str) -> str:
    seconds, whole = shares.parts.get(part, 0.0), sum(shares.parts.values())
    return f"{_amount(seconds, 'time')} ({100 * seconds / whole:.0f} %)" if seconds else ""


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in (head, *lines)) for column in range(len(head))]
    ruled = [head, ["-" * max(width, 1) for width in widths], *lines]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in ruled
    )


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    return found[1] if found else platform.machine()


def _memory() -> str:
    found = re.search(r"^MemTotal: +(\d+) kB", _text("/proc/meminfo"), re.MULTILINE)
    return f"{int(found[1]) / 1024**2:.0f} GB" if found else "an unknown amount"


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
