"""What a registry is shown so that it lets us in: a password, or a token from the server that it names.

Source: the distribution project's "Token Authentication Specification" and "OAuth2 Token Authentication", as every
registry has them. How long a token lasts is counted on our own clock from when it was asked for: what the server says
of the time of day (`issued_at`) depends on its clock.
"""

from __future__ import annotations

import base64
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from updater.adapters.http import Answer
from updater.core import challenges
from updater.core.challenges import Challenge
from updater.core.links import redirected
from updater.errors import RegistryRefused
from updater.registries.credentials import Secret
from updater.registries.held_login import HeldLogin
from updater.registries.sending import Request, Sender
from updater.registries.settings import Place

_KEPT = 1_000
"""Tokens, one for each repository."""
_ANSWER = 1024 * 1024
_VISIBLE = re.compile(r"[\x21-\x7e]{1,32768}")
_LIFETIME = 60.0
"""Seconds that a token lasts where its server does not say, as the specification has it."""
_LONGEST_LIFETIME = 86_400.0
_EARLY = 10.0
"""Seconds before its end that a token is no longer used; a quarter of its life, if that is less."""
_TURNED_AWAY = frozenset({400, 401, 403})


@dataclass(frozen=True, slots=True)
class Shown:
    """An `Authorization`, the secret that it comes from, and up to when it counts, on the clock of `monotonic`."""

    header: str
    secret: Secret | None
    until: float = float("inf")


class Tokens:
    """Lets us in to one registry. Any thread may ask."""

    def __init__(
        self, place: Place, sender: Sender, now: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._place = place
        self._sender = sender
        self._login = HeldLogin(place.login, now)
        self._monotonic = monotonic
        self._challenge: Challenge | None = None
        self._tokens: OrderedDict[str, Shown] = OrderedDict()
        self._lock = Lock()

    def shown(self, repository: str) -> Shown | None:
        """What to show for a repository; None where the registry has not yet said that it wants anything.

        Raises `RegistryError` where there is none, as `renewed` does.
        """
        with self._lock:
            token = self._tokens.get(repository)
            challenge = self._challenge
        if token is not None and self._monotonic() < token.until:
            return token
        return None if challenge is None else self._made(challenge, repository, _scope(repository), None)

    def renewed(self, repository: str, told: str, refused: Shown | None) -> Shown:
        """What to show after a 401 whose `WWW-Authenticate` was `told`, in place of what was `refused`.

        We log in anew, unless another thread has done so since. Raises `RegistryError`.
        """
        challenge = challenges.best(told)
        if challenge is None:
            raise RegistryRefused(
                f"{self._place.host} wants a login of a kind that is not known, or does not say of which"
            )
        with self._lock:
            self._challenge = challenge
            self._tokens.pop(repository, None)
        # Some registries want another scope for lists of tags, of the same repository.
        asked = challenge.parameters.get("scope", "")
        scope = asked if repository and asked.startswith(f"repository:{repository}:") else _scope(repository)
        return self._made(challenge, repository, scope, refused)

    def _made(self, challenge: Challenge, repository: str, scope: str, refused: Shown | None) -> Shown:
        secret = self._login.secret(None if refused is None else refused.secret)
        if secret is not None and secret.kind == "bearer":
            return Shown(self._bearer(secret.password), secret)
        if challenge.scheme == "basic":
            return Shown(self._basic(secret), secret)
        asked_at = self._monotonic()
        answer = self._answer(challenge, scope, secret)
        if answer.status in _TURNED_AWAY and secret is not None and refused is None:
            secret = self._login.secret(secret)
            answer = self._answer(challenge, scope, secret)
        header, seconds = self._read(answer)
        token = Shown(header, secret, asked_at + seconds - min(_EARLY, seconds / 4))
        self._keep(repository, token)
        return token

    def _basic(self, secret: Secret | None) -> str:
        if secret is None or secret.kind != "basic":
            raise RegistryRefused(f"{self._place.host} wants a user and a password", hint=log_in(self._place.host))
        return _basic(secret)

    def _bearer(self, token: object) -> str:
        """Nothing but visible ASCII can leave its place in a header."""
        if not isinstance(token, str) or _VISIBLE.fullmatch(token) is None:
            raise RegistryRefused(f"{self._place.host} cannot be shown a token that is none")
        return f"Bearer {token}"

    def _answer(self, challenge: Challenge, scope: str, secret: Secret | None) -> Answer:
        realm = redirected(self._place.url, challenge.parameters["realm"])
        if realm is None:
            raise RegistryRefused(
                f"{self._place.host} names a token server that must not be told a login", hint="it has to be https"
            )
        asked = {"service": challenge.parameters.get("service", ""), "scope": scope}
        return self._sender.send(_request(realm, {name: value for name, value in asked.items() if value}, secret))

    def _read(self, answer: Answer) -> tuple[str, float]:
        host = self._place.host
        if answer.status in _TURNED_AWAY:
            raise RegistryRefused(f"the token server of {host} answered {answer.status}", hint=log_in(host))
        try:
            found = json.loads(answer.content) if answer.status == 200 else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise RegistryRefused(f"the token server of {host} answered {answer.status} and something that is no token")
        seconds: Any = found.get("expires_in")
        is_time = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
        token = found.get("token") or found.get("access_token")
        return self._bearer(token), float(min(seconds, _LONGEST_LIFETIME)) if is_time else _LIFETIME

    def _keep(self, repository: str, token: Shown) -> None:
        with self._lock:
            self._tokens[repository] = token
            self._tokens.move_to_end(repository)
            while len(self._tokens) > _KEPT:
                self._tokens.popitem(last=False)


def log_in(host: str) -> str:
    """What to do about a registry that does not let us in."""
    return f"see that a login for {host} is there, in force and may read: `docker login {host}`, or UPDATER_REGISTRIES"


def _scope(repository: str) -> str:
    return f"repository:{repository}:pull" if repository else ""


def _basic(secret: Secret) -> str:
    return f"Basic {base64.b64encode(f'{secret.username}:{secret.password}'.encode()).decode()}"


def _request(realm: str, asked: Mapping[str, str], secret: Secret | None) -> Request:
    headers = {"accept": "application/json"}
    if secret is not None and secret.kind == "refresh":
        form = {
            **asked,
            "grant_type": "refresh_token",
            "client_id": "manifest-updater",
            "refresh_token": secret.password,
        }
        headers["content-type"] = "application/x-www-form-urlencoded"
        return Request("POST", realm, headers, _ANSWER, urlencode(form).encode())
    if secret is not None:
        headers["authorization"] = _basic(secret)
    parts = urlsplit(realm)
    query = "&".join(filter(None, (parts.query, urlencode(asked))))
    return Request("GET", urlunsplit(parts._replace(query=query, fragment="")), headers, _ANSWER)
