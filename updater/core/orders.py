"""How tags compare: each order turns the text that is compared into a key, or says that it has no place.

Keys of one order compare with each other and with nothing else. What decides between equal keys is in
`updater.core.rules`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from semver import Version

from updater.core.environment import OrderName
from updater.protocols import Order

MAX_TEXT = 128
_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
PRERELEASE = rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*"
"""Regular expression of a pre-release, without its hyphen (Semantic Versioning 2.0.0, item 9)."""
BUILD = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
"""Regular expression of build metadata, without its plus sign (item 10)."""

_SEMVER = re.compile(rf"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-({PRERELEASE}))?(?:\+{BUILD})?")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def semver(text: str) -> Version | None:
    """`text` as a semantic version, with the precedence of Semantic Versioning 2.0.0; None if it is none.

    More is read than the specification allows, as Helm and Flux do: a `v` in front, one or two numbers (what is
    missing is 0), and leading zeros in the three numbers, so the calendar version `2025.07.03` is 2025.7.3.
    Build metadata is dropped, since it does not order. A text longer than any tag can be is none.
    """
    found = _SEMVER.fullmatch(text) if len(text) <= MAX_TEXT else None
    if found is None:
        return None
    major, minor, patch, prerelease = found.groups()
    return Version(int(major), int(minor or 0), int(patch or 0), prerelease)


def numerical(text: str) -> Decimal | None:
    """`text` as an integer or decimal number of any length, exactly; None if it is none.

    Neither signs nor exponents: in `build-5` the hyphen is no minus, and `1e5` is the start of a commit id.
    """
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def alphabetical(text: str) -> str:
    """`text` itself: compared by code point, so independent of any locale."""
    return text


def pushed(text: str) -> tuple[()]:
    """The same key for every text: the time of the push alone decides."""
    del text
    return ()


ORDERS: Mapping[OrderName, Order] = MappingProxyType(
    {"pushed": pushed, "semver": semver, "numerical": numerical, "alphabetical": alphabetical}
)
