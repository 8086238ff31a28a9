"""The wire to GitHub, by PyGithub: one request, and its answer as it is. Nothing is repeated or waited for here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import jwt
import requests
from github import Auth
from github.Requester import Requester

from updater import __version__
from updater.errors import ForgeError, UsageError
from updater.forges.github.answers import Answer, Later
from updater.forges.github.settings import App

_REASONS = {
    requests.exceptions.SSLError: "its certificate is not trusted",
    requests.exceptions.ProxyError: "the proxy does not let us through",
    requests.exceptions.ConnectionError: "the connection was refused, or broke off",
}


class Wire:
    """Requests to one server, one after the other. `api` is the base URL of its REST API, `seconds` limits each."""

    def __init__(self, api: str, seconds: float) -> None:
        self._token = _Token()
        self._api = api
        self._seconds = seconds
        self._requester = Requester(
            auth=self._token,
            base_url=api,
            timeout=seconds,  # type: ignore[arg-type]  # parts of a second, too
            user_agent=f"manifest-updater/{__version__}",
            per_page=100,
            verify=True,
            retry=None,
            pool_size=None,
            seconds_between_requests=0,
            seconds_between_writes=0,
        )

    def send(self, token: str, verb: str, path: str, body: Any = None) -> Answer:
        """One request as the bearer of a token. Raises `Later` where there is no answer."""
        self._token.value = token
        try:
            status, headers, text = self._requester.requestJson(verb, path, None, None, body)
        except requests.exceptions.Timeout as error:
            raise Later(f"{self._api} did not answer within {self._seconds:g} s") from error
        except requests.exceptions.RequestException as error:
            reasons = (reason for kind, reason in _REASONS.items() if isinstance(error, kind))
            raise Later(f"{self._api} did not answer: {next(reasons, 'its answer is unreadable')}") from error
        except RuntimeError as error:
            hint = "see that UPDATER_GITHUB_API is the address of the API itself"
            raise ForgeError(f"{self._api} sends us to another server", hint=hint) from error
        return Answer(status, headers, text)

    def query(self, token: str, text: str, variables: Any) -> Answer:
        """One GraphQL request."""
        return self.send(token, "POST", self._requester.graphql_url, {"query": text, "variables": variables})

    def close(self) -> None:
        """Gives the connections back."""
        self._requester.close()


def app_token(app: App, now: datetime) -> str:
    """The token with which a GitHub App shows for some minutes who it is. Raises `UsageError` where its key is none.

    PyGithub's own would be of the machine's time, not of the time that we are told.
    """
    # A minute back, as GitHub advises: clocks differ.
    claims = {"iss": app.id, "iat": int(now.timestamp()) - 60, "exp": int(now.timestamp()) + 300}
    try:
        return jwt.encode(claims, app.key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        hint = "give the private key of the App: a PEM text that begins with -----BEGIN"
        raise UsageError("UPDATER_GITHUB_APP_KEY is no private key", hint=hint) from error


class _Token(Auth.Auth):
    """The token of the next request."""

    value = ""

    @property
    def token_type(self) -> str:
        return "Bearer"

    @property
    def token(self) -> str:
        return self.value
