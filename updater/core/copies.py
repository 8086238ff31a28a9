"""Images that are copied under another name on the way from one environment to the next (`promote.images`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from updater.core.patterns import image_pattern
from updater.core.references import normalise

_WILDCARD = re.compile(r"\*\*|\*")
_ANY = {"**": "(.*)", "*": "([^/]*)"}


def name_here(image: str, copies: Mapping[str, str] | None) -> str:
    """What an image of the environment before is called here: by the first pattern that fits, else the same.

    What each wildcard of the pattern stands for takes the place of the wildcard in the same position of the name.
    """
    for there, here in (copies or {}).items():
        found = _compiled(there).fullmatch(image)
        if found is not None:
            parts = list(reversed(found.groups()))
            name = _WILDCARD.sub(lambda wildcard: parts.pop() if parts else wildcard[0], here)  # noqa: B023
            return normalise(name) or name
    return image


def name_there(image: str, copies: Mapping[str, str] | None) -> str:
    """What an image is called in the environment before: `name_here` backwards."""
    return name_here(image, {here: there for there, here in (copies or {}).items()})


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    plain = "/".join(segment.glob for segment in image_pattern(pattern).segments)
    pieces = re.split(r"(\*\*|\*)", plain)
    return re.compile("".join(_ANY.get(piece) or re.escape(piece) for piece in pieces))
