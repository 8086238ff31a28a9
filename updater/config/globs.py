"""Checks of patterns, and of names that their captures are filled into."""

from __future__ import annotations

import re
from collections.abc import Iterator

from updater.config.document import Path
from updater.config.problems import Problem, near, shown
from updater.core import patterns
from updater.core.environment import Environment, Promote

_CAPTURE = re.compile(r"\{([^{}]*)\}")
_WILDCARD = re.compile(r"\*+|\{[^{}]*\}")


def overlays(section: Environment) -> Iterator[Problem]:
    """The problems of `overlays`, and of the status gates that its captures are filled into."""
    globs = _globs(section)
    problems = [Problem(path, why) for path, glob in globs.items() if (why := _refusal(glob))]
    yield from problems
    if section.promote is not None and not problems:
        captures = [{segment.capture or "" for segment in patterns.compile(glob).segments} for glob in globs.values()]
        yield from _statuses(section.promote, {"service"} | (set.intersection(*captures) - {""}))


def renaming(there: str, here: str) -> Iterator[Problem]:
    """The problems of one pair of `promote.images`."""
    path = ("images", there)
    try:
        patterns.image_pattern(there)
        patterns.image_pattern(here)
    except ValueError as error:
        yield Problem(path, str(error))
        return
    if _WILDCARD.findall(there) != _WILDCARD.findall(here):
        yield Problem(path, f"{there!r} and {here!r} must have the same wildcards, in the same order")


def _globs(section: Environment) -> dict[Path, str]:
    if isinstance(section.overlays, str):
        return {("overlays",): section.overlays}
    return {("overlays", index): glob for index, glob in enumerate(section.overlays)}


def _refusal(glob: str) -> str | None:
    """Why `glob` cannot say where overlays are."""
    if glob.startswith("/"):
        return f"the pattern {glob!r} is absolute: write it from the root of the repository, without the first `/`"
    try:
        segments = patterns.compile(glob).segments
    except ValueError as error:
        return str(error)
    if any(segment.many and segment.capture for segment in segments):
        return f"the pattern {glob!r} captures several folders, and a capture is one: write `**` without a name"
    return None


def _statuses(promote: Promote, captures: set[str]) -> Iterator[Problem]:
    for index, status in enumerate(promote.statuses):
        context = status if isinstance(status, str) else status.context
        path = ("promote", "statuses", index)
        for name in _CAPTURE.findall(context):
            if name not in captures:
                hint = near(name, captures) or f"there is: {', '.join(sorted(captures))}"
                yield Problem(path, f"{{{shown(name)}}} is not captured by every pattern of `overlays`", hint)
        if re.search(r"[{}]", _CAPTURE.sub("", context)):
            yield Problem(path, f"{shown(context)!r} has a brace without its other half")
