"""Logging in to Artifact Registry and Container Registry with the credentials that Google's libraries find.

They are looked for as everywhere on Google Cloud ("Application Default Credentials"): a key file, or the configuration
of a workload identity federation (`GOOGLE_APPLICATION_CREDENTIALS`), those of `gcloud`, the metadata server. An access
token for the scope `cloud-platform` is the password of a fixed user: "Configure authentication to Artifact Registry for
Docker", section "Access token". What it may do is for IAM to say.
"""

from __future__ import annotations

import logging
from datetime import UTC
from functools import partial
from typing import Any

import google.auth
from google.auth.credentials import with_scopes_if_required
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
from google.auth.transport.requests import Request

from updater.errors import RegistryError, RegistryRefused, RegistryUnavailable
from updater.registries.credentials import Secret

USER = "oauth2accesstoken"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_SECONDS = 10.0
_HINT = "run with a service account (workload identity), or set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials"

# It warns where there is no project, and none is needed.
logging.getLogger("google.auth._default").setLevel(logging.ERROR)


def secret() -> Secret:
    """An access token that is good from now on, about an hour. Raises `RegistryError`.

    Credentials are looked for anew each time, so that a key file may be replaced.
    """
    try:
        # With scopes it would ask Google for the name of a project, too, which is a right that nobody needs for this.
        found: tuple[Any, str | None] = google.auth.default()
        credentials = with_scopes_if_required(found[0], [_SCOPE])  # type: ignore[no-untyped-call]
        credentials.refresh(partial(Request(), timeout=_SECONDS))
    except GoogleAuthError as error:
        raise _failure(error) from error
    until = credentials.expiry
    return Secret("basic", USER, credentials.token, until and until.replace(tzinfo=UTC))


def _failure(error: GoogleAuthError) -> RegistryError:
    reason = error.args[0] if error.args else error
    told = reason if isinstance(reason, str) else type(reason).__name__
    if isinstance(error, DefaultCredentialsError):
        return RegistryRefused(f"there are no Google credentials: {told}", hint=_HINT)
    if isinstance(error, TransportError) or error.retryable:
        return RegistryUnavailable(f"Google gave no access token: {told}")
    return RegistryRefused(f"Google gave no access token: {told}", hint=_HINT)
