"""What logging in to a registry comes to: a secret, and how it is to be shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Secret:
    """What a registry is shown, up to the time `until` where that is known.

    `basic` is a user and a password, for the registry's token server or else the registry itself; `refresh` is a token
    that its token server changes for another one (OAuth 2, `grant_type=refresh_token`); `bearer` is shown to the
    registry as it is.
    """

    kind: Literal["basic", "refresh", "bearer"]
    username: str
    password: str = field(repr=False)
    until: datetime | None = None


Login: TypeAlias = Callable[[], Secret | None]
"""Gives the secret that is in force now, None where nobody is to log in. Raises `RegistryError`.

It is asked again when a registry turns a secret away, and once its time is over.
"""
