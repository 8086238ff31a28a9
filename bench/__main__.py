"""`python -m bench`: measures, prints the tables, and with --write puts them into the README."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bench import events, history, hooks, promotion, registries, starts, table
from bench.stand import Lab
from bench.table import Row, Shares
from bench.tools import ROOT, clean_environment, say

README = ROOT / "bench" / "README.md"

SERIES: Sequence[tuple[str, Callable[[Lab], Iterable[Row | Shares]]]] = (
    ("ab", events.event),
    ("c", events.command),
    ("d", events.shell_job),
    ("e", events.burst),
    ("f", starts.start),
    ("g", starts.memory),
    ("h", history.walk),
    ("i", starts.command_line),
    ("j", promotion.promotion),
    ("k", hooks.accepted),
    ("l", hooks.landed),
    ("m", registries.safety_net),
)
"""What can be measured, by the letters of its rows."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.write and (options.only or options.quick):
        parser.error("--write is for all rows, measured in earnest")
    clean_environment()
    lab = _lab(options)
    measured = list(_measured(lab, options.only))
    rows = [each for each in measured if isinstance(each, Row)]
    shares = [each for each in measured if isinstance(each, Shares)]
    tables = [table.machine(ROOT), table.results(rows), *([table.breakdown(shares)] if shares else [])]
    sys.stdout.write("\n\n".join((*tables, "")))
    if options.write:
        figures = "\n\n".join(part for part in (*tables, table.chart(rows)) if part)
        README.write_text(table.written(README.read_text(), figures))
        say(f"wrote {README.relative_to(ROOT)}")


def _measured(lab: Lab, only: Sequence[str] | None) -> Iterator[Row | Shares]:
    """All that was asked for, one after the other; each row is told to the person who waits."""
    for letters, measure in SERIES:
        if only and not set(letters) & set(only):
            continue
        for each in measure(lab):
            if isinstance(each, Row):
                say(table.line(each))
            yield each


def _lab(options: argparse.Namespace) -> Lab:
    cache: Path = options.cache.absolute()
    if options.quick:
        return Lab(cache, (10, 20), 5, commits=20, flat_commits=5, rounds=1, burst=5, burst_on=20)
    sizes = tuple(int(size) for size in options.sizes.split(","))
    burst_on = 5_000 if 5_000 in sizes else max(sizes)
    flat = None if options.no_flat else 50_000
    return Lab(cache, sizes, flat, commits=50_000, flat_commits=300, rounds=15, burst=500, burst_on=burst_on)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="How long the updater takes, and git alone.")
    parser.add_argument("--only", metavar="ROWS", type=_rows, help="letters of rows, for instance a,c,h")
    parser.add_argument("--sizes", default="500,5000,50000", help="overlays, nested by team (default: %(default)s)")
    parser.add_argument("--no-flat", action="store_true", help="leave out the folder with 50,000 overlays in it")
    parser.add_argument(
        "--cache", type=Path, default=ROOT / ".cache" / "bench", help="where generated repositories are kept"
    )
    parser.add_argument(
        "--quick", action="store_true", help="see that all of it runs, on tiny repositories; the figures mean nothing"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    return parser


def _rows(text: str) -> list[str]:
    rows, known = text.split(","), "".join(letters for letters, _ in SERIES)
    if not set(rows) <= set(known):
        raise argparse.ArgumentTypeError(f"{text!r}; the rows are {', '.join(known)}")
    return rows


if __name__ == "__main__":
    main()
