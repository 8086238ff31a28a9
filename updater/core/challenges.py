"""What a server asks for that does not let us in: its `WWW-Authenticate` header.

Grammar: RFC 9110, section 11.6.1 (challenges, separated by commas like their own parameters) and 5.6 (tokens, quoted
strings). How registries use it: the distribution specification's "Token Authentication Specification".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_LONGEST = 8_192
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PART = re.compile(
    rf"""[\s,]* (?:
        (?P<name>{_WORD}) \s*=\s* (?: "(?P<quoted>(?:[^"\\]|\\.)*)" | (?P<plain>{_WORD}) )
        | (?P<scheme>{_WORD}) (?: \ +[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$)) )?
    ) (?=[\s,]|$)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to be let in. `scheme` and the names of the parameters are in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)


def read(header: str) -> Sequence[Challenge]:
    """The challenges of a header, in its order, up to where it stops making sense.

    Of a parameter that is told twice the first counts. A header that is longer than any honest one has none.
    """
    found: list[tuple[str, dict[str, str]]] = []
    at = 0
    while len(header) <= _LONGEST and (part := _PART.match(header, at)):
        at = part.end()
        if part["scheme"]:
            found.append((part["scheme"].lower(), {}))
        elif found:
            found[-1][1].setdefault(part["name"].lower(), _value(part))
    return [Challenge(scheme, parameters) for scheme, parameters in found]


def best(header: str) -> Challenge | None:
    """The challenge of a header that is met first: of a token server, else of a password; None if it has neither."""
    found = read(header)
    bearer = (each for each in found if each.scheme == "bearer" and each.parameters.get("realm"))
    return next(bearer, None) or next((each for each in found if each.scheme == "basic"), None)


def _value(part: re.Match[str]) -> str:
    if part["quoted"] is None:
        return part["plain"]
    return re.sub(r"\\(.)", r"\1", part["quoted"])
