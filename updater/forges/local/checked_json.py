"""The files of the forge built in: pull requests and the statuses of commits, written as JSON and read back.

Whoever may push to the repository may write there. So whatever is read is checked: its size, its types, and that names
and titles are one line that can be shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar, get_args

from updater.adapters.commits import shown
from updater.core import instants
from updater.core.messages import stamp
from updater.forge import Approval, State, Status, StatusState
from updater.forges.local.records import Comment, Record, clean, is_commit, is_ours

AT_MOST = 1 << 20
"""Bytes of one record; what is longer is not read."""
MAX_BODY = 65_536
"""Characters of a pull request's text."""
_LINE = 1000
_COMMENTS = 20
_COMMENT = 4000
_T = TypeVar("_T")
_Json = dict[str, Any]


def written(record: Record) -> bytes:
    """A record as it is kept; of many comments the newest, and the beginning of long ones. See `read`."""
    data = asdict(record)
    data["comments"] = [{**each, "text": each["text"][:_COMMENT]} for each in data["comments"][-_COMMENTS:]]
    return _json(data)


def read(content: bytes) -> Record:
    """A record as `written` wrote it. Raises ValueError for anything else."""
    return _built(content, _record)


def written_statuses(statuses: Sequence[Status]) -> bytes:
    """The statuses of a commit as they are kept."""
    return _json({"statuses": [asdict(each) for each in statuses]})


def read_statuses(content: bytes) -> tuple[Status, ...]:
    """What `written_statuses` wrote. Raises ValueError for anything else."""
    return _built(content, lambda data: tuple(map(_status, data["statuses"])))


def _json(data: _Json) -> bytes:
    text = json.dumps(data, ensure_ascii=False, indent=1, default=stamp)
    return f"{text}\n".encode(errors="replace")


def _built(content: bytes, build: Callable[[_Json], _T]) -> _T:
    if len(content) > AT_MOST:
        raise ValueError(f"{len(content)} bytes")
    try:
        return build(json.loads(content))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        raise ValueError(f"no such record: {type(error).__name__} {error}") from error


def _record(data: _Json) -> Record:
    head = _line(data["head"])
    if not is_ours(head):
        raise ValueError(f"{head} is no branch of ours")
    return Record(
        number=_of(int, data["number"]),
        title=_line(data["title"]),
        body=_text(data["body"], MAX_BODY),
        state=_one_of(get_args(State), data["state"]),
        head=head,
        base=_line(data["base"]),
        commit=_commit(data["commit"]),
        author=_line(data["author"]),
        opened_at=_time(data["opened_at"]),
        labels=tuple(map(_line, data["labels"])),
        draft=_of(bool, data["draft"]),
        reviewers=tuple(map(_line, data["reviewers"])),
        comments=tuple(map(_comment, data["comments"])),
        approvals=tuple(Approval(_line(each["by"]), _commit(each["commit"])) for each in data["approvals"]),
        closed_at=_maybe(_time, data["closed_at"]),
        closed_by=_maybe(_line, data["closed_by"]),
        merged_as=_maybe(_commit, data["merged_as"]),
    )


def _comment(data: _Json) -> Comment:
    return Comment(_line(data["by"]), _time(data["at"]), _text(data["text"], _COMMENT))


def _status(data: _Json) -> Status:
    return Status(
        context=_line(data["context"]),
        state=_one_of(get_args(StatusState), data["state"]),
        at=_time(data["at"]),
        description=_line(data["description"]),
        url=_maybe(_line, data["url"]),
    )


def _of(kind: type[_T], value: object) -> _T:
    if type(value) is not kind:
        raise ValueError(f"a {type(value).__name__} in the place of a {kind.__name__}")
    return value


def _one_of(choices: Sequence[Any], value: object) -> Any:
    if value not in choices:
        raise ValueError(f"none of {', '.join(choices)}")
    return value


def _text(value: object, limit: int) -> str:
    text = clean(_of(str, value))
    if len(text) > limit:
        raise ValueError(f"a text of {len(text)} characters")
    return text


def _line(value: object) -> str:
    return shown(text) if (text := _text(value, _LINE)) else ""


def _commit(value: object) -> str:
    text = _line(value)
    if not is_commit(text):
        raise ValueError("no id of a commit")
    return text


def _time(value: object) -> datetime:
    time = instants.from_text(value)
    if time is None:
        raise ValueError("no time")
    return time


def _maybe(read: Callable[[object], _T], value: object) -> _T | None:
    return None if value is None else read(value)
