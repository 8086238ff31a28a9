"""A rule of an environment, ready for use: which images it follows, which tags may land, and what is newer.

Regular expressions are those of Python's `re`, which backtrack: one like `(a+)+$` can take for ever on a tag's 128
characters. So they are searched by the library `regex`, which can be told when to stop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

import regex

from updater.core.environment import Follow
from updater.core.orders import ORDERS
from updater.core.patterns import Pattern, image_pattern
from updater.core.ranges import Range, parse_range
from updater.model import Version
from updater.protocols import Order

T = TypeVar("T")
Key: TypeAlias = Any
Rank: TypeAlias = tuple[Any, ...]

_SECONDS = 0.05
"""How long a search may take: a thousand times what an ordinary one needs."""
_READ_AS = {"semver": "a semantic version", "numerical": "a number"}


class RuleError(ValueError):
    """A rule that cannot be used. `key` is the key of the rule that is wrong, as it stands in the file."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled `Follow`. `range` is None where versions are not ordered as semantic versions."""

    follow: Follow
    image: Pattern
    order: Order
    tags: regex.Pattern[str]
    ignore: tuple[regex.Pattern[str], ...]
    range: Range | None

    @property
    def name(self) -> str:
        """The same for rules that are written alike, so that what was found out under one can be remembered."""
        return repr(self.follow)

    def follows(self, image: str) -> bool:
        """Whether the rule is about `image`, a normalised repository."""
        return self.image.match(image) is not None

    def key(self, tag: str) -> Key | None:
        """What is compared of `tag`; None if the rule cannot order it.

        This is about order alone: a tag that may not land (ignored, outside the range, a pre-release) has a key
        all the same, so nothing older replaces it where it stands already.
        """
        text = self._compared(tag)
        return None if text is None else self.order(text)

    def refusal(self, tag: str) -> str | None:
        """Why `tag` may not land, in words for a person; None if it may."""
        try:
            return self._refusal(tag)
        except TimeoutError:
            return f"the expressions of the rule take too long on the tag {tag}; one of them backtracks without end"

    def _refusal(self, tag: str) -> str | None:
        if self.tags.search(tag, timeout=_SECONDS) is None:
            return f"tag {tag} does not contain {self.tags.pattern!r}"
        for pattern in self.ignore:
            if pattern.search(tag, timeout=_SECONDS):
                return f"tag {tag} is ignored by {pattern.pattern!r}"
        text = self._compared(tag)
        if text is None:
            return f"tag {tag} has nothing in the group `key` of {self.tags.pattern!r}"
        key = self.order(text)
        if key is None:
            which = f"tag {tag}" if text == tag else f"{text!r} in tag {tag}"
            return f"{which} is not {_READ_AS[self.follow.order]}"
        if self.range is None or self.range.contains(key, self.follow.prereleases):
            return None
        if self.range.contains(key, prereleases=True):
            return f"tag {tag} is a pre-release"
        return f"tag {tag} is outside {self.range.text}"

    def rank(self, version: Version, pushed_at: datetime | None) -> Rank:
        """Where a version stands in the one order that the whole product uses; the greater rank is the newer version.

        Compared are, one after the other: the tag's key, the time of the push, the digest, the tag's text. What is
        not known is older than all that is: a tag that the rule cannot order (or none), no push time, no
        digest. The tag's text only decides between tags of one image that were pushed at the same time and have equal
        keys (`1.2.3` and `v1.2.3`), so that the best of several does not depend on who came first.
        """
        tag = version.tag or ""
        return (*_known(self.key(tag)), *_known(pushed_at), *_known(version.digest), tag)

    def _compared(self, tag: str) -> str | None:
        """The part of a tag that is compared; None if it has none."""
        if self.follow.order == "pushed":
            return tag
        try:
            found = self.tags.search(tag, timeout=_SECONDS)
        except TimeoutError:
            return None
        if "key" in self.tags.groupindex:
            return found["key"] if found else None
        # Letters compare with anything, so only `tags` can say that a standing `latest` is not newer than `20261120`.
        return tag if found or self.follow.order != "alphabetical" else None


def _known(value: object) -> tuple[bool, object]:
    """So that None compares as less than every value, and never with one."""
    return (value is not None, value)


@lru_cache(maxsize=1024)
def compile_rule(follow: Follow) -> Rule:
    """Compile a rule. Raises RuleError, naming the key, for a pattern, range or expression that is wrong."""
    for key, given in (("range", follow.range is not None), ("prereleases", follow.prereleases)):
        if given and follow.order != "semver":
            raise RuleError(
                key, f"is for `order: semver`, not for `order: {follow.order}`: take it out or change the order"
            )
    return Rule(
        follow=follow,
        image=_checked("image", image_pattern, follow.image),
        order=ORDERS[follow.order],
        tags=_checked("tags", _expression, follow.tags or ""),
        ignore=tuple(_checked("ignore", _expression, text) for text in follow.ignore),
        range=_range(follow),
    )


def _range(follow: Follow) -> Range | None:
    if follow.order != "semver":
        return None
    return _checked("range", parse_range, "*" if follow.range is None else follow.range)


def _checked(key: str, read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise RuleError(key, str(error)) from error


def _expression(text: str) -> regex.Pattern[str]:
    try:
        return regex.compile(text)
    except (regex.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error
