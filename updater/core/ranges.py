"""Ranges of semantic versions, as users of Helm and Flux write them (Masterminds/semver v3, "Checking Version
Constraints" and "Working With Prerelease Versions" in its documentation).

The code is our own, on top of python-semver's precedence, because no Python library has this syntax with this
meaning: node-semver and semantic_version follow npm and Cargo, where `!=` does not exist or is ignored beside other
comparisons, `>=1.0.0-0` lets in pre-releases of 1.0.0 only, and commas, `=>` and `*-0` are unknown.

Each comparison becomes one span of versions, its first version included and its end excluded. That is possible since
each version has a next one (after 1.2.3 comes 1.2.4-0, after 1.2.3-rc.1 comes 1.2.3-rc.1.0), and it settles where
pre-releases belong once they are let in: plain precedence holds, but a comparison that ends before a release ends
before that release's pre-releases, too. So `<2.0.0`, `^1.2`, `1.x` and `!=2.x` keep 2.0.0-rc.1 out: who writes them
wants nothing of version 2. (Masterminds keeps it out for `^1.2`, but lets it in for `<2.0.0`.) The other side is
plain: `>=2.0.0`, `2.x` and `^2` begin at 2.0.0, and 2.0.0-rc.1 is older than that; `>=2.0.0-0` takes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile

from semver import Version

from updater.core.orders import BUILD, PRERELEASE

_LOWEST = "0"  # the pre-release that precedes all others of its version
_NUMBER = r"(?:[0-9]{1,128}|[xX*])"
_COMPARISON = re.compile(rf"([<>=!~^]*)v?({_NUMBER}(?:\.{_NUMBER}){{0,2}})(?:-({PRERELEASE}))?(?:\+{BUILD})?")
_HYPHEN = re.compile(r"(?<![^ ,])(v?[0-9xX*][^ ,]*) - (v?[0-9xX*][^ ,]*)")
_SPACE_AFTER_OPERATOR = re.compile(r"(?<=[<>=!~^]) ")
_SEPARATOR = re.compile(r" ?, ?| ")


@dataclass(frozen=True, slots=True)
class Span:
    """Versions from `low` up to, but without, `end` (None: no limit); or all others."""

    low: Version | None
    end: Version | None
    inside: bool = True

    def __contains__(self, version: Version) -> bool:
        between = (self.low is None or self.low <= version) and (self.end is None or version < self.end)
        return between == self.inside


@dataclass(frozen=True, slots=True)
class Group:
    """Comparisons that hold together; `prereleases` if one of them names a pre-release."""

    spans: tuple[Span, ...]
    prereleases: bool


@dataclass(frozen=True, slots=True)
class Range:
    """A range; `text` is what its author wrote. One of its groups has to hold."""

    text: str
    groups: tuple[Group, ...]

    def contains(self, version: Version, prereleases: bool) -> bool:
        """Whether `version` is in the range.

        A pre-release is only if `prereleases` is true, or the group that holds names a pre-release itself.
        """
        return any(
            (prereleases or group.prereleases or not version.prerelease)
            and all(version in span for span in group.spans)
            for group in self.groups
        )


@dataclass(frozen=True, slots=True)
class _Partial:
    """A version of a range: up to three numbers, as many as stand before the first wildcard."""

    numbers: tuple[int, ...]
    prerelease: str | None

    def at(self, prerelease: str | None) -> Version:
        """Missing numbers as 0."""
        major, minor, patch = (*self.numbers, 0, 0, 0)[:3]
        return Version(major, minor, patch, prerelease)

    @property
    def low(self) -> Version | None:
        """The first version that begins like this one; None where all do."""
        return self.at(self.prerelease) if self.numbers or self.prerelease else None

    @property
    def floor(self) -> Version:
        """The same, with the pre-releases of a release."""
        return self.at(self.prerelease or _LOWEST)

    @property
    def whole(self) -> bool:
        """Whether all three numbers are there."""
        return len(self.numbers) == 3

    @property
    def end(self) -> Version | None:
        """The first version after all that begin like this one."""
        if self.whole and self.prerelease:
            return self.at(f"{self.prerelease}.{_LOWEST}")
        return self.after(3)

    def after(self, count: int) -> Version | None:
        """The first version after all that share the first `count` numbers, as far as there are so many."""
        if not self.numbers:
            return None
        *same, last = self.numbers[:count]
        return _Partial((*same, last + 1), None).at(_LOWEST)

    @property
    def leading(self) -> int:
        """How many numbers `^` keeps: up to the first that is not 0."""
        return next((count for count, number in enumerate(self.numbers, 1) if number), 3)


_SPANS: Mapping[str, Callable[[_Partial], Span]] = {
    "=": lambda partial: Span(partial.low, partial.end),
    "!=": lambda partial: Span(partial.low if partial.whole else partial.floor, partial.end, inside=False),
    ">": lambda partial: Span(partial.end, None),
    ">=": lambda partial: Span(partial.low, None),
    "<": lambda partial: Span(None, partial.floor),
    "<=": lambda partial: Span(None, partial.end),
    "~": lambda partial: Span(partial.low, partial.after(2)),
    "^": lambda partial: Span(partial.low, partial.after(partial.leading)),
}
_SPELLINGS = {"": "=", "=>": ">=", "=<": "<=", "~>": "~"}


def parse_range(text: str) -> Range:
    """Read a range: comparisons joined by spaces or commas (and) and by `||` (or).

    `=` `!=` `>` `>=` `<` `<=` `~` (`~>`) `^` and `1.2 - 2.3.4`, before versions with a `v` or without. A version may
    be partial: `1.2`, `1.2.x` and `1.2.*` are the same, and `=1.2` or plain `1.2` is every 1.2 there is. What
    follows a wildcard says nothing.

    Raises ValueError for anything else, and for an empty range or alternative, which Masterminds takes for `*`.
    """
    return Range(text, tuple(_group(alternative, text) for alternative in text.split("||")))


def _group(alternative: str, text: str) -> Group:
    compact = " ".join(alternative.split())
    if not compact:
        raise ValueError(f"the range {text!r} is empty, or has nothing on one side of `||`: write `*` for all versions")
    compact = _SPACE_AFTER_OPERATOR.sub("", _HYPHEN.sub(r">=\1 <=\2", compact))
    comparisons = [_comparison(comparison, text) for comparison in _SEPARATOR.split(compact)]
    spans = tuple(_SPANS[operator](partial) for operator, partial in comparisons)
    return Group(spans, any(partial.prerelease for _, partial in comparisons))


def _comparison(comparison: str, text: str) -> tuple[str, _Partial]:
    found = _COMPARISON.fullmatch(comparison)
    operator = _SPELLINGS.get(found[1], found[1]) if found else ""
    if found is None or operator not in _SPANS:
        raise ValueError(
            f"{comparison!r} in the range {text!r} is no comparison: write, say, `>=1.0.0 <2`, `^1.2` or `1.x || >=3`"
        )
    numbers = tuple(int(number) for number in takewhile(str.isdigit, found[2].split(".")))
    if not numbers and operator in ("<", ">", "!="):
        raise ValueError(f"{comparison!r} in the range {text!r} matches no version at all: name a version")
    return operator, _Partial(numbers, found[3])
