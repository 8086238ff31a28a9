"""How pull requests look: rows, all about one, and what a person had done with some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click

from updater import as_json
from updater.by_hand import pulls
from updater.by_hand.settling import Done
from updater.cli import output
from updater.cli.telling import end
from updater.core.messages import plain, stamp
from updater.errors import UpdaterError
from updater.forge import PullRequest, Status

_COLOURS = {"open": "green", "merged": "magenta", "closed": "red"}


def table(found: Iterable[PullRequest]) -> None:
    """A row for each."""
    rows = [
        (f"#{pull.number}", (_state(pull), _COLOURS[pull.state]), pulls.name(pull), pull.title, approvals(pull))
        for pull in found
    ]
    output.table(("NUMBER", "STATE", "WHERE", "TITLE", "APPROVED"), rows)


def approvals(pull: PullRequest) -> str:
    """Who agreed to it, and who did before it changed."""
    now = pulls.approved_by(pull)
    before = dict.fromkeys(each.by for each in pull.approvals if each.by not in now)
    return ", ".join((*now, *(f"{name} (before it changed)" for name in before)))


def in_full(pull: PullRequest) -> None:
    """All that is known of one."""
    click.secho(plain(f"#{pull.number} {pull.title}"), bold=True)
    commit = pull.commit[:12]
    facts = {
        "state": _since(pull),
        "branch": f"{pull.head} at {commit}, into {pull.base}",
        "page": pull.url or "",
        "approved": approvals(pull),
        "labels": ", ".join(sorted(pull.labels)),
        "waits": pulls.waits_for(pull) or "",
    }
    for key, text in facts.items():
        if text:
            click.echo(f"{click.style(f'{key}:', fg='cyan'):<10} {plain(text)}")
    output.lines("statuses", (f"{each.state:<8} {each.context}  {each.description}".rstrip() for each in pull.statuses))
    click.echo()
    output.text(pull.body)


def in_full_json(pull: PullRequest) -> dict[str, Any]:
    """The same for programs."""
    return {
        **as_json.pull(pull),
        "author": pull.author,
        "commit": pull.commit,
        "opened_at": stamp(pull.opened_at),
        "closed_at": pull.closed_at and stamp(pull.closed_at),
        "closed_by": pull.closed_by,
        "merged_as": pull.merged_as,
        "approved_by": pulls.approved_by(pull),
        "approvals": [{"by": each.by, "commit": each.commit} for each in pull.approvals],
        "statuses": [_status(each) for each in pull.statuses],
        "labels": sorted(pull.labels),
        "draft": pull.draft,
        "queued": pull.queued,
        "readiness": pull.readiness,
        "body": pull.body,
    }


def finish(done: Sequence[Done], *, in_json: bool) -> None:
    """Tells what became of each, and ends the command with the exit code of the first failure."""
    undo = [each.undo for each in done if each.undo is not None]
    lift = [command for each in done for command in each.lift]
    if in_json:
        told = [_done(each) for each in done]
        output.as_json({"pull_requests": told, "undo": undo, "lift": lift})
    else:
        for each in done:
            if each.error is None:
                where = click.style(f"#{each.pull.number}", fg="yellow")
                click.echo(f"{where} {plain(f'{pulls.name(each.pull)} {each.told}')}")
        for kind, commands in {"undo": undo, "lift": lift}.items():
            for command in commands:
                click.echo(f"{click.style(f'{kind}:', fg='cyan')} {plain(command)}")
    end([_named(each.pull, each.error) for each in done if each.error is not None])


def _done(each: Done) -> dict[str, Any]:
    error = None if each.error is None else str(each.error)
    return {**as_json.pull(each.pull), "commit": each.pull.merged_as, "told": each.told, "error": error}


def _named(pull: PullRequest, error: UpdaterError) -> UpdaterError:
    """An error that says which pull request it is about."""
    if f"#{pull.number}" not in error.message:
        error.message = f"#{pull.number} {pulls.name(pull)}: {error.message}"
    return error


def _status(status: Status) -> dict[str, Any]:
    return {
        "context": status.context,
        "state": status.state,
        "description": status.description,
        "url": status.url,
        "at": stamp(status.at),
    }


def _state(pull: PullRequest) -> str:
    extra = "queued" if pull.queued else "draft" if pull.draft else ""
    return f"{pull.state} ({extra})" if extra and pull.state == "open" else pull.state


def _since(pull: PullRequest) -> str:
    opened = f"{_state(pull)}, opened by {pull.author} on {pull.opened_at:%Y-%m-%d %H:%M}Z"
    if pull.closed_at is None:
        return opened
    by = "" if pull.closed_by is None else f" by {pull.closed_by}"
    landed = "" if pull.merged_as is None else f" as {pull.merged_as[:12]}"
    return f"{opened}, {pull.state}{by} on {pull.closed_at:%Y-%m-%d %H:%M}Z{landed}"
