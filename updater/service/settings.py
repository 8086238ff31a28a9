"""What the service is told by `UPDATER_*` variables, beside what every command is told."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from updater.core import times
from updater.errors import UsageError
from updater.settings import secret

LISTEN = "127.0.0.1:8080"
MINUTES = timedelta(minutes=5)
DAYS = timedelta(days=14)
HOUR = timedelta(hours=1)
_PORTS = 65535


@dataclass(frozen=True, slots=True)
class Service:
    """Where it listens, who may use the API, whose word about a sender's address counts, how often it looks at
    everything, how often at registries (None: never), and how long ended events are kept."""

    host: str
    port: int
    tokens: tuple[str, ...] = field(repr=False)
    proxies: str | None
    interval: timedelta
    looks: timedelta | None
    keep: timedelta

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def read(environ: Mapping[str, str], listen: str | None = None) -> Service:
    """The settings; `listen` comes before its variable. Raises `UsageError` naming the variable that is wrong."""
    host, port = _address(listen or environ.get("UPDATER_LISTEN") or LISTEN)
    return Service(
        host=host,
        port=port,
        tokens=_tokens(environ),
        proxies=_proxies(environ),
        interval=_time(environ, "UPDATER_RECONCILE_SECONDS", MINUTES, timedelta(seconds=1), "seconds"),
        looks=_looks(environ),
        keep=_time(environ, "UPDATER_INBOX_DAYS", DAYS, timedelta(days=1), "days"),
    )


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > _PORTS:
        raise UsageError(
            f"UPDATER_LISTEN is {text!r}", hint="write an address and a port, as 127.0.0.1:8080 or [::]:8080"
        )
    return host.removeprefix("[").removesuffix("]") or "0.0.0.0", int(port)  # noqa: S104


def _tokens(environ: Mapping[str, str]) -> tuple[str, ...]:
    given = secret(environ, "UPDATER_API_TOKEN")
    tokens = tuple(token for part in (given or "").split(",") if (token := part.strip()))
    if not tokens and (given or environ.get("UPDATER_API_TOKEN_FILE")):
        # As if it had not been asked for, the API would be open to this machine.
        raise UsageError("UPDATER_API_TOKEN holds no token", hint="give one, or leave the variable out")
    return tokens


def _proxies(environ: Mapping[str, str]) -> str | None:
    given = environ.get("UPDATER_PROXIES")
    for each in given.split(",") if given and given != "*" else ():
        try:
            ipaddress.ip_network(each.strip())
        except ValueError as error:
            hint = "give addresses or networks with commas between them, as 10.0.0.7,10.1.0.0/16"
            raise UsageError(f"UPDATER_PROXIES has {each.strip()!r}: {error}", hint=hint) from error
    return given or None


def _looks(environ: Mapping[str, str]) -> timedelta | None:
    text = environ.get("UPDATER_REGISTRY_INTERVAL", "").strip()
    if text in ("0", "off"):
        return None
    interval = times.duration(f"{text}s" if text.isascii() and text.isdigit() else text) if text else HOUR
    if interval is None or not interval:
        hint = "give a time, as 90s, 30m or 1h, or `off`"
        raise UsageError(f"UPDATER_REGISTRY_INTERVAL is {text!r}", hint=hint)
    return interval


def _time(environ: Mapping[str, str], name: str, default: timedelta, unit: timedelta, what: str) -> timedelta:
    text = environ.get(name)
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 100_000:
        raise UsageError(f"{name} is {text!r}", hint=f"give {what}, for instance {default / unit:g}")
    return number * unit
