"""The tokens with which Google's services show who they are when they push.

Source: "Authentication for push subscriptions" of the Pub/Sub documentation; OpenID Connect Core 1.0, 3.1.3.7 (ID
token validation). Of a token's header only the name of the key is used, and only to choose among Google's own keys.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import jwt

from updater.admission.documents import Shelf
from updater.admission.proof import NOTHING, PROVED, UNREAD, Finding, Request

SOURCES = frozenset({"artifact-registry", "cloud-build", "clouddeploy", "eventarc", "pubsub"})
"""The sources whose senders push through Pub/Sub."""

Keys = Mapping[str, jwt.PyJWK]

_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
_LEEWAY = 60
_LONGEST = 3600
_MAX_TOKEN = 8192
_MAX_KEYS = 32
_MIN_BITS = 2048
_RS256 = jwt.PyJWS(algorithms=["RS256"])

_NO_TOKEN = Finding("wrong", "its token is none of Google's")
_NO_KEYS = Finding("unable", "Google's keys cannot be had to check its token")
_UNKNOWN_KEY = Finding("wrong", "its token is signed with a key that Google does not have")


@dataclass(frozen=True, slots=True)
class Senders:
    """Whose tokens are taken: service accounts by e-mail, the audiences that they name, and where Google's keys are."""

    emails: frozenset[str]
    audiences: frozenset[str]
    certs_url: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """A token, not yet believed, and the name of the key that it says it is signed with."""

    token: str
    key: str


class Tokens:
    """Tokens of these senders, as a `Proof`."""

    told = "a token of Google's for a sender in UPDATER_PUBSUB_SENDER"

    def __init__(self, senders: Senders, keys: Shelf[Keys], now: Callable[[], datetime]) -> None:
        self._senders = senders
        self._keys = keys
        self._now = now

    def before_body(self, request: Request) -> Finding:
        """See `Proof`. A key that is not known yet is asked for together with the body."""
        shown = _shown(request.headers)
        if isinstance(shown, Finding):
            return shown
        url = self._senders.certs_url
        keys = self._keys.kept(url) or {}
        is_known = shown.key in keys and self._keys.is_fresh(url)
        if not is_known and self._keys.may_renew():
            return UNREAD
        return self._judged(shown, keys)

    async def with_body(self, request: Request, body: bytes) -> Finding:  # noqa: ARG002
        """See `Proof`."""
        found = self.before_body(request)
        shown = _shown(request.headers)
        if found.state != "unread" or isinstance(shown, Finding):
            return found
        return self._judged(shown, await self._keys.renewed(self._senders.certs_url) or {})

    def _judged(self, shown: _Shown, keys: Keys) -> Finding:
        if shown.key not in keys:
            return _NO_KEYS if self._keys.is_failing else _UNKNOWN_KEY
        try:
            # What it says is checked below, by our clock.
            claims = json.loads(_RS256.decode(shown.token, keys[shown.key].key, algorithms=["RS256"]))
        except (jwt.PyJWTError, ValueError, RecursionError):
            return Finding("wrong", "its token is not signed by Google")
        problem = fault(claims, self._senders, self._now())
        return PROVED if problem is None else Finding("wrong", problem)


def fault(claims: object, senders: Senders, now: datetime) -> str | None:
    """What speaks against a token of Google's with these claims, in words for the log; None where nothing does."""
    if not isinstance(claims, dict) or claims.get("iss") not in _ISSUERS:
        return "its token was issued by somebody else"
    audience, email = claims.get("aud"), claims.get("email")
    if not isinstance(audience, str) or audience not in senders.audiences:
        return "the audience of its token is not in UPDATER_PUBSUB_AUDIENCE"
    if not isinstance(email, str) or email not in senders.emails:
        return "the e-mail of its token is not in UPDATER_PUBSUB_SENDER"
    if claims.get("email_verified") is not True:
        return "the e-mail of its token is not verified"
    return _fault_of_times(claims.get("iat"), claims.get("exp"), now.timestamp())


def _fault_of_times(issued: object, expires: object, now: float) -> str | None:
    if type(issued) is not int or type(expires) is not int:
        return "its token does not say how long it is good"
    if not issued < expires <= issued + _LONGEST + _LEEWAY:
        return "its token is good for longer than Google's are"
    if issued > now + _LEEWAY:
        return "its token is of the future (is the clock of this machine right?)"
    return "its token has expired" if expires <= now - _LEEWAY else None


def read_keys(document: bytes) -> Keys:
    """RSA keys for signatures, by name, from a JSON Web Key Set (RFC 7517). Raises `ValueError` where it is none."""
    try:
        listed = json.loads(document)["keys"]
        fitting = [key for key in listed if key["kty"] == "RSA" and key.get("use", "sig") == "sig"][:_MAX_KEYS]
        # Without its other fields: a private key would have them, too.
        bare = {str(key["kid"]): {name: key[name] for name in ("kty", "n", "e")} for key in fitting}
        keys = {name: jwt.PyJWK(key, algorithm="RS256") for name, key in bare.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, jwt.PyJWTError) as error:
        raise ValueError(f"this is no set of keys: {error}") from error
    found = {name: key for name, key in keys.items() if key.key.key_size >= _MIN_BITS}
    if not found:
        raise ValueError("this is a set without keys")
    return found


def _shown(headers: Mapping[str, str]) -> _Shown | Finding:
    """A token that may be looked at, else what is found instead."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or token.count(".") != 2:
        return NOTHING
    try:
        header = jwt.get_unverified_header(token) if len(token) <= _MAX_TOKEN else {}
    except (jwt.PyJWTError, ValueError, RecursionError):
        return _NO_TOKEN
    key = header.get("kid")
    is_usual = header.get("alg") == "RS256" and "crit" not in header
    return _Shown(token, key) if is_usual and isinstance(key, str) else _NO_TOKEN
