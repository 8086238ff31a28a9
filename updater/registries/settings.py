"""How registries are spoken to: by the file of `UPDATER_REGISTRIES`, by the logins of docker, else by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from updater.core.references import DOCKER_HUB
from updater.errors import RegistryRefused
from updater.registries import docker_config, file, hosts, logins
from updater.registries.credentials import Login, Secret
from updater.registries.descriptions import CALLS_PER_MINUTE, Description
from updater.registries.logins import Way

__all__ = ["Login", "Place", "Places", "Secret", "read"]

_DOCKER_HUB_URL = "https://registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Place:
    """How one registry is spoken to.

    `host` is what images call it (`docker.io`, `127.0.0.1:5000`), `url` where it answers, without a slash at the end;
    that is https, but on this machine. `ca` is a file with the certificates (PEM) of the only authorities that count.
    `login` is None where nobody is to log in, and `way` how it is done: a value of `login` in the file.
    """

    host: str
    url: str
    ca: Path | None = None
    calls_per_minute: int = CALLS_PER_MINUTE
    login: Login | None = None
    way: Way = "anonymous"


@dataclass(frozen=True, slots=True)
class Places:
    """Every registry: those that are described, by host or pattern, those with a login of docker, and all others."""

    described: Mapping[str, Description]
    environ: Mapping[str, str] = field(repr=False)

    def place(self, host: str) -> Place:
        """How the registry is spoken to that images call `host`."""
        said = self._description(host) or Description()
        way = said.login or self._default_way(host)
        url = _url(host, said)
        ca = None if said.ca is None else Path(said.ca)
        return Place(host, url, ca, said.calls_per_minute, self._login(way, host, url, said), way)

    def hosts(self) -> list[str]:
        """The registries that are named in the settings, or have a login of docker. Raises `RegistryRefused`."""
        named = (host for host in self.described if "*" not in host)
        return list(dict.fromkeys((*named, *docker_config.hosts(self.environ))))

    def is_known(self, host: str) -> bool:
        """Whether the registry is described in the settings, or there is a login for it."""
        return self._description(host) is not None or self._has_docker_login(host) or self._is_googles(host)

    def _description(self, host: str) -> Description | None:
        """What is said of a host, else of the longest pattern that fits it."""
        if host in self.described:
            return self.described[host]
        fitting = [pattern for pattern in self.described if "*" in pattern and hosts.fits(pattern, host)]
        return self.described[max(fitting, key=lambda pattern: (len(pattern), pattern))] if fitting else None

    def _default_way(self, host: str) -> Way:
        return "google" if self._is_googles(host) and not self._has_docker_login(host) else "docker"

    def _is_googles(self, host: str) -> bool:
        return hosts.is_google(host) and bool(self.environ.get("GOOGLE_APPLICATION_CREDENTIALS"))

    def _has_docker_login(self, host: str) -> bool:
        try:
            return host in docker_config.hosts(self.environ)
        except RegistryRefused:
            return True  # somebody wanted to be logged in, and is told with the first call why that is not so

    def _login(self, way: Way, host: str, url: str, said: Description) -> Login | None:
        match way:
            case "anonymous":
                return None
            case "docker":
                return lambda: docker_config.secret(host, self.environ)
            case "basic":
                return lambda: logins.by_password(
                    said.username or "", said.password_file, said.password_env, self.environ
                )
            case _:
                return lambda: logins.by_cloud(way, host, url)


def read(environ: Mapping[str, str]) -> Places:
    """The registries of these settings. Raises `UsageError` with file and line for what is wrong in them."""
    named = environ.get(file.VARIABLE)
    return Places(file.read(Path(named), environ) if named else {}, environ)


def _url(host: str, said: Description) -> str:
    """Where a registry answers; on this machine by http, unless something speaks for https."""
    if said.url is not None:
        return said.url.rstrip("/")
    if host == DOCKER_HUB:
        return _DOCKER_HUB_URL
    is_http = said.ca is None and hosts.is_loopback(host) if said.insecure is None else said.insecure
    return f"{'http' if is_http else 'https'}://{host}"
