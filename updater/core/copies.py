"""Images that are copied under another name on the way from one environment to the next (`promote.images`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from updater.core.patterns import image_pattern
from updater.core.references import normalise

_WILDCARD = re.compile(r"\*\*|\*")


def name_here(image: str, copies: Mapping[str, str] | None) -> str:
    """What an image of the environment before is called here: by the first pattern that fits, else the same.

    What each wildcard of the pattern stands for takes the place of the wildcard in the same position of the name;
    both have the same ones, as `updater.config` has found.
    """
    for there, here in (copies or {}).items():
        found = _compiled(there).fullmatch(image)
        if found is not None:
            return _written(here, found.groups(default=""))
    return image


def name_there(image: str, copies: Mapping[str, str] | None) -> str:
    """What an image is called in the environment before: `name_here` backwards."""
    return name_here(image, {here: there for there, here in (copies or {}).items()})


def _written(pattern: str, parts: Sequence[str]) -> str:
    stand_for = iter(parts)
    globs = "/".join(segment.glob for segment in image_pattern(pattern).segments)
    name = _WILDCARD.sub(lambda _: next(stand_for), globs)
    name = re.sub("/+", "/", name).strip("/")  # `**` may stand for no segment at all
    return normalise(name) or name


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    segments = image_pattern(pattern).segments
    first, *rest = (r"(.*)" if each.many else _segment(each.glob) for each in segments)
    others = (
        rf"(?:/{each})?" if segment.many else f"/{each}" for each, segment in zip(rest, segments[1:], strict=True)
    )
    return re.compile(first + "".join(others))


def _segment(glob: str) -> str:
    return "([^/]*)".join(map(re.escape, glob.split("*")))
