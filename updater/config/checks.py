"""What a well-formed file still must not say. Each check yields problems with paths relative to its section."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache, singledispatch

from updater.config import globs
from updater.config.document import Document, Path
from updater.config.problems import SECTIONS, Problem, named, near, shape_of, shown
from updater.config.schema import fit
from updater.core import references, times
from updater.core.environment import Environment, Follow, Freeze, Hold, Promote, PullRequests, Release, StatusGate
from updater.core.rules import compile_rule
from updater.forge import PREFIX, WITHDRAWN

"""The label that tells the updater's own closing of a pull request from a person's."""

_REVIEWER = re.compile(r"(?:team:)?[A-Za-z0-9_](?:[A-Za-z0-9_./-]*[A-Za-z0-9_])?(?:\[bot\])?")
_BAD_IN_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|\.$|/$|^[-./]|^@$|^HEAD$")


def meaning(document: Document) -> Iterator[Problem]:
    """The problems of every section of the file that is well-formed, whatever the others look like."""
    for path in document.lines:
        kind = SECTIONS.get(shape_of(path))
        section: object = None if kind is None else fit(kind, document.at(path))
        if section is None:
            continue
        yield from _emptied(document, path)
        for problem in check(section):
            place = (*path, *problem.path)
            message = f"`{named(place)}`: {problem.message}" if place else problem.message
            yield Problem(place, message, problem.hint)


def _emptied(document: Document, path: Path) -> Iterator[Problem]:
    """A key that keeps something out, with nothing behind it: whoever wrote it did not mean to let everything in."""
    written = document.at(path)
    if isinstance(written, dict) and written.get("signed-by", written) is None:
        place = (*path, "signed-by")
        yield Problem(place, f"`{named(place)}`: no key is named", "write `signed-by: {key: cosign.pub}`")


def is_branch_name(text: str) -> bool:
    """Whether git takes `text` as the name of a branch (git-check-ref-format(1), with `--branch`)."""
    return bool(text) and _BAD_IN_BRANCH.search(text) is None


@singledispatch
def check(_section: object) -> Iterator[Problem]:
    """The problems within one section of a file; sections without a check of their own have none."""
    return iter(())


@check.register
def _(section: Environment) -> Iterator[Problem]:
    if section.follow and section.promote:
        yield Problem(("promote",), "not together with `follow`", "make two environments of it")
    if not section.follow and not section.promote:
        yield Problem((), "nothing can ever land here: there is neither `follow` nor `promote`")
    if section.branch is not None and not is_branch_name(section.branch):
        yield Problem(("branch",), f"{section.branch[:80]!r} is no name that git allows for a branch")
    if section.branch is not None and section.branch.startswith(PREFIX):
        yield Problem(("branch",), f"branches in `{PREFIX}` are those of pull requests", "give it another name")
    if section.paused in ("yes", "no", "on", "off"):
        hint = "write true or false, or a reason"
        yield Problem(("paused",), f"`{section.paused}` is text in YAML 1.2, and no reason", hint)
    if section.deliver == "commit" and section.pull_request != PullRequests():
        yield Problem(("pull-request",), "this has no effect without `deliver: pull-request`")
    yield from _entries(section.entries)
    yield from globs.overlays(section)


@check.register
def _(section: Follow) -> Iterator[Problem]:
    try:
        compile_rule(section)
    except ValueError as error:
        yield Problem((getattr(error, "key", "image"),), str(error))
    if section.signed_by is not None and section.pin == "tag":
        hint = "take `pin: tag` out: a tag alone may name another image tomorrow"
        yield Problem(("signed-by",), "a digest is what is signed, and `pin: tag` writes none", hint)


@check.register
def _(section: Promote) -> Iterator[Problem]:
    if times.duration(section.soak) is None:
        yield Problem(("soak",), f"{shown(section.soak)!r} is no duration", "write it as 90s, 30m, 12h or 2d")
    for index, status in enumerate(section.statuses):
        if isinstance(status, StatusGate) and status.at_least > 1 and "*" not in status.context:
            message = f"there is only one status of the name {shown(status.context)!r}, and never {status.at_least}"
            hint = "write `*` where the names differ, or take `at-least` out"
            yield Problem(("statuses", index, "at-least"), message, hint)
    for there, here in (section.images or {}).items():
        yield from globs.renaming(there, here)


@check.register
def _(section: PullRequests) -> Iterator[Problem]:
    for index, label in enumerate(section.labels):
        if label == WITHDRAWN:
            yield Problem(("labels", index), f"the label `{WITHDRAWN}` is set by the updater alone")
        elif not label.isprintable() or label != label.strip():
            yield Problem(("labels", index), f"{label[:80]!r} is no label: control characters, or blanks around it")
    for index, reviewer in enumerate(section.reviewers):
        if not _REVIEWER.fullmatch(reviewer):
            hint = "write a user as alice, and a team as team:ml-platform"
            yield Problem(("reviewers", index), f"{reviewer[:80]!r} is no user or team", hint)


@check.register
def _(section: Freeze) -> Iterator[Problem]:
    yield from _window(section.from_, section.to)
    if not _is_time_zone(section.timezone):
        hint = near(section.timezone, _time_zones()) or "write it as in Europe/Berlin"
        yield Problem(("timezone",), f"there is no time zone {section.timezone[:80]!r} on this machine", hint)


@check.register
def _(section: Hold) -> Iterator[Problem]:
    if section.image is not None:
        yield from _repository(section.image)
    if section.until is not None and times.day(section.until) is None:
        yield Problem(("until",), f"{section.until[:80]!r} is no day of the calendar", "write it as 2026-12-01")


@check.register
def _(section: Release) -> Iterator[Problem]:
    yield from _repository(section.image)
    if not references.is_tag(section.version):
        yield Problem(("version",), f"{section.version[:80]!r} is no tag")


def _entries(names: tuple[str, ...]) -> Iterator[Problem]:
    for index, glob in enumerate(names):
        if glob == "!":
            yield Problem(("entries", index), "`!` alone excludes nothing", "write a glob after it, as in `!*-canary`")


def _window(start: str, end: str) -> Iterator[Problem]:
    for key, text in (("from", start), ("to", end)):
        if times.moment(text) is None:
            hint = "write a day as 2026-12-20, or a weekday and time as FRI 16:00"
            yield Problem((key,), f"{text[:80]!r} is neither a day nor a weekday with a time", hint)
    match times.moment(start), times.moment(end):
        case None, _:
            return
        case _, None:
            return
        case date() as first, date() as last:
            if last < first:
                yield Problem(("to",), f"the freeze ends on {end}, before it begins on {start}")
        case timedelta() as first, timedelta() as last:
            if first == last:
                yield Problem(("to",), "the freeze ends when it begins", "to stop everything, write `paused: true`")
        case _:
            yield Problem(("to",), "`from` and `to` must both be days, or both weekdays with a time")


def _is_time_zone(name: str) -> bool:
    try:
        times.time_zone(name)
    except (ValueError, zoneinfo.ZoneInfoNotFoundError, OSError):  # the last for a folder of the data base, as `Europe`
        return False
    return True


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _repository(image: str) -> Iterator[Problem]:
    if references.normalise(image) is None:
        yield Problem(("image",), f"{image[:80]!r} is no image repository", "write it without tag and digest")
