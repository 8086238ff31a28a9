"""The ways of logging in. Libraries of a cloud are imported when a login of that cloud is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from updater.errors import RegistryRefused
from updater.registries.credentials import Secret

Cloud: TypeAlias = Literal["google", "ecr", "acr"]
Way: TypeAlias = Literal["docker", "basic", "anonymous"] | Cloud

WAYS: tuple[Way, ...] = ("docker", "google", "ecr", "acr", "basic", "anonymous")
_EXTRAS: Mapping[Cloud, str] = {"google": "registry-google", "ecr": "registry-aws", "acr": "registry-azure"}


def by_cloud(cloud: Cloud, host: str, url: str) -> Secret:
    """What the registry of a cloud is shown, of this host that answers at this URL. Raises `RegistryError`."""
    return usable(cloud)(host, url)


def by_password(username: str, file: str | None, variable: str | None, environ: Mapping[str, str]) -> Secret:
    """A user and the password that a file holds now, else a variable. Raises `RegistryRefused`."""
    place = f"the variable {variable}" if file is None else file
    try:
        password = environ.get(variable or "", "") if file is None else Path(file).read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise RegistryRefused(f"the password of {username} cannot be read from {place}: {reason}") from error
    if not password:
        raise RegistryRefused(f"there is no password of {username} in {place}")
    return Secret("basic", username, password)


def usable(cloud: Cloud) -> Callable[[str, str], Secret]:
    """How one logs in to registries of a cloud. Raises `RegistryRefused` where its library is not installed."""
    try:
        match cloud:
            case "google":
                from updater.registries import google

                return lambda _host, _url: google.secret()
            case "ecr":
                from updater.registries import ecr

                return lambda host, _url: ecr.secret(host)
            case "acr":
                from updater.registries import acr

                return acr.secret
    except ImportError as error:
        told = f"`login: {cloud}` needs more than is installed: {error.name} is missing"
        raise RegistryRefused(told, hint=f"install manifest-updater[{_EXTRAS[cloud]}]") from error
