"""Logging in to Azure Container Registry with the credentials that Azure's library finds.

Those are: variables of a service principal, the workload identity of a pod, a managed identity, the `az` of a person
("DefaultAzureCredential" in the documentation of azure-identity). The registry changes a token of theirs for a refresh
token of its own: "Authenticate with a Microsoft Entra token" in ACR's document "AAD-OAuth".
"""

from __future__ import annotations

import base64
import json
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential

from updater.adapters.http import Connections, Unanswered
from updater.errors import RegistryRefused, RegistryUnavailable
from updater.registries.credentials import Secret

USER = "00000000-0000-0000-0000-000000000000"
"""The name that stands for whoever a refresh token is for."""
_SCOPE = "https://containerregistry.azure.net/.default"
_ENDINGS = (".azurecr.io", ".azurecr.cn", ".azurecr.us")
_FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_SECONDS = 10.0
_MAX_BYTES = 64 * 1024
_NO_CREDENTIALS = (
    "run with a managed or workload identity, or set AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET"
)
_NO_RIGHTS = "give the identity of the updater the role AcrPull on the registry"


def secret(host: str, url: str) -> Secret:
    """A refresh token of the registry, good for some hours. Raises `RegistryError`."""
    if not host.endswith(_ENDINGS):
        hint = "it is for <name>.azurecr.io"
        raise RegistryRefused(f"{host} is no registry of Azure, so `login: acr` cannot be meant", hint=hint)
    token = _member(_exchanged(host, url, _token(host)), "refresh_token")
    if not isinstance(token, str) or not token:
        raise RegistryRefused(f"{host} gives no refresh token, and answers as no registry of Azure does")
    return Secret("refresh", USER, token, _end(token))


def _exchanged(host: str, url: str, token: str) -> bytes:
    """What the registry gives for a token of Azure's."""
    form = urlencode({"grant_type": "access_token", "service": host, "access_token": token}).encode()
    place = f"{url}/oauth2/exchange"
    try:
        with closing(Connections()) as connections:
            answer = connections.ask("POST", place, _FORM, form, seconds=_SECONDS, max_bytes=_MAX_BYTES)
    except Unanswered as error:
        raise RegistryUnavailable(f"{host} gave no refresh token: {error}") from error
    if answer.status == 429 or answer.status >= 500:
        raise RegistryUnavailable(f"{host} gave no refresh token: it answered {answer.status}")
    if answer.status != 200:
        raise RegistryRefused(f"{host} gives no refresh token: it answered {answer.status}", hint=_NO_RIGHTS)
    return answer.content


def _token(host: str) -> str:
    """A token of Azure's own that is for container registries and nothing else.

    The library does not tell those who have no credentials from those whom Azure did not answer, but to its own log.
    """
    try:
        with closing(DefaultAzureCredential()) as credential:
            return credential.get_token(_SCOPE).token
    except AzureError as error:
        told = f"Azure gave no token for {host}; the log says why, for each kind of credentials"
        raise RegistryUnavailable(told, hint=_NO_CREDENTIALS) from error


def _end(token: str) -> datetime | None:
    """When a token ends, as it says itself (RFC 7519, section 4.1.4); what checks it is the registry."""
    _, _, rest = token.partition(".")
    payload = rest.partition(".")[0]
    try:
        seconds = _member(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), "exp")
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
    except (ValueError, OverflowError, OSError):
        return None


def _member(content: bytes, name: str) -> Any:
    """What an object in JSON has under a name; None where it is none, or has nothing."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return said.get(name) if isinstance(said, dict) else None
