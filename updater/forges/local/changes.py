"""What changes in a pull request of the forge built in, and the sentence that tells of it; values only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from updater.adapters.commits import shown
from updater.core.messages import plain
from updater.errors import ForgeRefused
from updater.forge import Approval, Draft, Edit
from updater.forges.local.merging import Landed
from updater.forges.local.records import Comment, Record, clean


@dataclass(frozen=True, slots=True)
class Change:
    """A pull request as it is to be, and what the log says of the change."""

    record: Record
    message: str


def opened(draft: Draft, number: int, commit: str, by: str, at: datetime) -> Change:
    """A new pull request whose head is at `commit`."""
    record = Record(
        number=number,
        title=_line(draft.title),
        body=clean(draft.body),
        state="open",
        head=draft.head,
        base=draft.base,
        commit=commit,
        author=by,
        opened_at=at,
        labels=tuple(dict.fromkeys(draft.labels)),
        draft=draft.draft,
        reviewers=tuple(dict.fromkeys(draft.reviewers)),
    )
    return _change(record, by, f"opened #{number}: {record.title}")


def edited(record: Record, edit: Edit, by: str, at: datetime) -> Change | None:
    """A pull request after an edit, None where nothing changes. Raises `ForgeRefused` where it cannot be changed so."""
    _check(record, edit)
    labels = tuple(label for label in dict.fromkeys((*record.labels, *edit.labels)) if label not in edit.without)
    comments = () if edit.comment is None else (Comment(by, at, clean(edit.comment)),)
    title = record.title if edit.title is None else _line(edit.title)
    body = record.body if edit.body is None else clean(edit.body)
    changed = replace(
        record,
        labels=labels,
        comments=record.comments + comments,
        title=title,
        body=body,
        base=edit.base or record.base,
    )
    if edit.state not in (None, record.state):
        is_closed = edit.state == "closed"
        changed = replace(
            changed, state=edit.state, closed_at=at if is_closed else None, closed_by=by if is_closed else None
        )
    if changed == record:
        return None
    return _change(changed, by, f"{_done(record, changed)} #{record.number}", edit.comment or "")


def approved(record: Record, commit: str, by: str) -> Change | None:
    """A pull request to which somebody agreed; who did so before, agrees to this commit instead."""
    approval = Approval(by, commit)
    if approval in record.approvals:
        return None
    others = tuple(each for each in record.approvals if each.by != by)
    return _change(replace(record, approvals=(*others, approval)), by, f"approved #{record.number} at {commit[:12]}")


def merged(record: Record, commit: str, landing: Landed) -> Change:
    """A pull request whose head `commit` came into its base."""
    settled = replace(
        record,
        state="merged",
        commit=commit,
        closed_at=landing.at,
        closed_by=landing.by,
        merged_as=landing.commit,
    )
    return _change(settled, landing.by, f"merged #{record.number} as {landing.commit[:12]}")


def _check(record: Record, edit: Edit) -> None:
    if record.state == "merged" and edit.state is not None:
        raise ForgeRefused(
            f"#{record.number} is merged already", hint="what it brought is taken back with `git revert`"
        )
    if record.state != "open" and edit.state != "open" and edit.base not in (None, record.base):
        raise ForgeRefused(f"#{record.number} is {record.state}, its base cannot be changed")


def _done(old: Record, new: Record) -> str:
    """What was done, in a word or some."""
    if new.state != old.state:
        return "closed" if new.state == "closed" else "reopened"
    words = [name for name in ("title", "body", "base", "labels") if getattr(new, name) != getattr(old, name)]
    return f"changed {', '.join(words)} of" if words else "commented on"


def _change(record: Record, by: str, what: str, text: str = "") -> Change:
    below = "\n".join(plain(line) for line in clean(text).splitlines())
    return Change(record, f"{plain(f'{by} {what}')}\n\n{below}".strip() + "\n")


def _line(text: str) -> str:
    line = shown(clean(text).strip()) if text.strip() else ""
    if not line:
        raise ForgeRefused("a pull request needs a title")
    return line
