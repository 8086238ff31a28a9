"""How results look: JSON for programs, tables and coloured diffs for people."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from updater import as_json as shapes
from updater.core.changes import Change
from updater.core.inspection import Finding
from updater.core.messages import move, plain, short
from updater.model import Decision, Outcome
from updater.pipeline import Report

if TYPE_CHECKING:
    from rich.console import Console

Cell: TypeAlias = str | tuple[str, str]
"""A text, or a text with its style."""

_COLOURS = {
    Outcome.COMMITTED: "green",
    Outcome.PROPOSED: "green",
    Outcome.REFUSED: "red",
    Outcome.HELD: "yellow",
    Outcome.WAITING: "yellow",
    Outcome.REJECTED: "yellow",
}
_WIDE = 10_000
_ROOMY = 140


def console() -> Console:
    """Where tables go. Only a terminal has a width; what is piped keeps a line a row."""
    from rich.console import Console

    on_terminal = Console().is_terminal
    return Console(width=None if on_terminal else _WIDE, markup=False, highlight=False, emoji=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Prints a table without frames, and nothing where there is no row."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        styled = ((cell, "") if isinstance(cell, str) else cell for cell in row)
        made.add_row(*(Text(plain(text), style=style) for text, style in styled))
    if made.row_count:
        console().print(made)


def lines(title: str, told: Iterable[str]) -> None:
    """Prints lines under a title, each once, and nothing where there is none."""
    unique = list(dict.fromkeys(told))
    if unique:
        click.secho(f"\n{title}:", bold=True)
    for line in unique:
        click.echo(f"  {plain(line)}")


def is_roomy() -> bool:
    """Whether a table may have long cells."""
    return console().width >= _ROOMY


def image_name(image: str) -> str:
    """An image for a table: its last part where there is little room."""
    return image if is_roomy() else image.rpartition("/")[2]


def as_json(value: Any) -> None:
    """Prints JSON on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def report(found: Report, more: Mapping[str, Any], *, in_json: bool) -> None:
    """Prints a report with what belongs to it: in JSON all of that, for people its `diff`."""
    if in_json:
        as_json({**shapes.report(found), **more})
    else:
        report_text(found)
        diff(f"\n{more['diff']}" if more.get("diff") else "")


def report_text(report: Report) -> None:
    """A report for people: a row for each decision, then the commits."""
    rows = [
        (
            (decision.outcome.value, _COLOURS.get(decision.outcome, "")),
            _place(decision),
            image_name(decision.image),
            _move(decision),
            decision.reason,
        )
        for decision in report.decisions
    ]
    table(("OUTCOME", "WHERE", "IMAGE", "VERSION", "REASON"), rows)
    for commit in report.commits:
        click.echo(f"\n{click.style(commit.sha[:12], fg='yellow')} on {commit.branch}: {plain(commit.subject)}")
    for kept in report.pulls:
        pull = kept.pull
        number = click.style(f"#{pull.number}", fg="yellow")
        click.echo(f"\n{number} {pull.state}: {plain(pull.title)}" + (f"  ({plain(kept.told)})" if kept.told else ""))
        if pull.url is not None:
            click.echo(f"  {plain(pull.url)}")


def diff_text(changes: Iterable[Change]) -> str:
    """The changes as a unified diff."""
    return "".join(
        line
        for change in changes
        for path, file in change.files.items()
        for line in _diff(path, file.before, file.after)
    )


def diff(text: str) -> None:
    """Prints a unified diff, coloured on a terminal."""
    for line in map(_visible, text.splitlines()):
        bold = line.startswith(("+++", "---"))
        colour = None if bold else {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        click.secho(line, fg=colour, bold=bold)


def text(told: str) -> None:
    """Prints a text of several lines."""
    for line in told.splitlines():
        click.echo(_visible(line))


def _diff(path: str, before: bytes, after: bytes) -> Iterable[str]:
    old, new = (content.decode().splitlines(keepends=True) for content in (before, after))
    for line in difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm="\n"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _place(decision: Decision) -> str:
    return "-" if decision.target is None else f"{decision.target.environment}/{decision.target.service}"


def _move(decision: Decision) -> str:
    if decision.target is None or decision.target.entry.version == decision.to:
        return short(decision.to)
    return move(decision.target.entry.version, decision.to)


def finding(found: Finding) -> None:
    """A finding of `check` in a line, so that editors and CI can lead to it; and what to do about it."""
    kind, colour = ("error", "red") if found.exit_code else ("warning", "yellow")
    click.echo(f"{found.at}: {click.style(kind, fg=colour)}: {plain(found.message)}")
    if found.hint:
        click.echo(f"    hint: {plain(found.hint)}")


def finding_json(found: Finding) -> dict[str, Any]:
    """A finding of `check`."""
    return {
        "path": found.at.path,
        "line": found.at.line,
        "severity": "error" if found.exit_code else "warning",
        "message": found.message,
        "hint": found.hint,
    }


def _visible(line: str) -> str:
    """A line of somebody's file, with what a terminal would obey escaped."""
    return "".join(letter if letter.isprintable() or letter == "\t" else ascii(letter)[1:-1] for letter in line)
