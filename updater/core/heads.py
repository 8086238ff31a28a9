"""The branches of our pull requests: `updater/<environment>/<service>`, and back.

Whatever git forbids in the name of a ref (git-check-ref-format(1)) is written as `%` and two hexadecimal digits for
each byte, so that any folder can be a service.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from updater.forge import PREFIX

ALL = "@all"
"""In the place of a service: all services of the environment (`per: environment`)."""
SETTINGS = "@settings"
"""In the place of a service: the environment's file."""
_PLAIN = "-_.~!$&'()+,;=@"
_FORBIDDEN = re.compile(r"^\.|\.\.|\.lock$|\.$|^@|~")
"""What is left of the rules once `quote` has been there; and `@` in front, which marks what is no service."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a branch of ours is about. `service` is a name, `ALL` or `SETTINGS`."""

    environment: str
    service: str
    is_service: bool = True


def head(environment: str, service: str) -> str:
    """The branch for a service of an environment."""
    return f"{prefix(environment)}{_encoded(service)}"


def shared(environment: str, what: str) -> str:
    """The branch for `ALL` or `SETTINGS` of an environment."""
    return f"{prefix(environment)}{what}"


def prefix(environment: str) -> str:
    """What the names of all branches for an environment begin with."""
    return f"{PREFIX}{_encoded(environment)}/"


def parsed(branch: str) -> Head | None:
    """What a branch is about; None if it is not one of ours, spelled as we would."""
    environment, slash, service = branch.removeprefix(PREFIX).partition("/")
    if not slash or not environment or not service:
        return None
    about = Head(unquote(environment), unquote(service), is_service=service not in (ALL, SETTINGS))
    ours = head if about.is_service else shared
    return about if ours(about.environment, about.service) == branch else None


def _encoded(name: str) -> str:
    text = quote(name, safe=_PLAIN)
    return _FORBIDDEN.sub(lambda found: "".join(f"%{ord(letter):02X}" for letter in found[0]), text)
