"""A token server for a registry: it signs what its users may do, and remembers who asked for what."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.helpers.authority import common_name
from tests.helpers.faulty_registry import Answer, Request, faulty_registry

ISSUER = "tokens"
SERVICE = "registry"


@dataclass(frozen=True)
class Asked:
    """A token that was asked for: by whom (None: by nobody), for what (`repository:acme/a:pull`), and how."""

    user: str | None
    scopes: tuple[str, ...]
    method: str


@dataclass
class TokenServer:
    """A running token server.

    Users (name to password) may do everything, everybody may pull what is `public`, and nobody may touch what is
    `closed`. `refresh_tokens` stand for users; a token lasts `lifetime` seconds. All of that may change as it runs.
    """

    users: dict[str, str]
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    public: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    lifetime: int = 300
    asked: list[Asked] = field(default_factory=list)
    realm: str = ""
    certificate: Path = Path()
    _key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048), repr=False)
    _chain: str = ""

    def token(self, user: str | None, scopes: Iterable[str]) -> str:
        """A token for what a user may do of what is asked.

        See https://distribution.github.io/distribution/spec/auth/jwt/
        """
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "sub": user or "",
            "aud": SERVICE,
            "iat": now,
            "nbf": now - timedelta(seconds=30),
            # The registry gives a minute for clocks that differ, and so would outlive what it is told.
            "exp": now + timedelta(seconds=self.lifetime - 60),
            "jti": uuid.uuid4().hex,
            "access": [self._access(user, *scope.rsplit(":", 1)) for scope in scopes],
        }
        return jwt.encode(claims, self._key, "RS256", {"x5c": [self._chain]})

    def _access(self, user: str | None, resource: str, actions: str) -> dict[str, object]:
        kind, _, name = resource.partition(":")
        asked = set(actions.split(","))
        allowed = (
            set() if name in self.closed else asked if user else asked & {"pull"} if name in self.public else set()
        )
        return {"type": kind, "name": name, "actions": sorted(allowed)}

    def answer(self, request: Request) -> Answer:
        """By GET with basic credentials or none, or by POST as OAuth2 wants it.

        See https://distribution.github.io/distribution/spec/auth/token/ and .../spec/auth/oauth/
        """
        if request.path != "/token":
            return Answer(404)
        form = parse_qs(request.body.decode() if request.method == "POST" else request.raw_query)
        scopes = tuple(scope for told in form.get("scope", []) for scope in told.split())
        try:
            user = self._user_of_form(form) if request.method == "POST" else self._user_of(request.headers)
        except KeyError:
            return Answer(401, {"Content-Type": "application/json"}, b'{"details": "incorrect username or password"}')
        self.asked.append(Asked(user, scopes, request.method))
        told = {"expires_in": self.lifetime, "issued_at": datetime.now(UTC).isoformat()}
        name = "access_token" if request.method == "POST" else "token"
        body = json.dumps({name: self.token(user, scopes), **told}).encode()
        return Answer(200, {"Content-Type": "application/json"}, body)

    def _user_of(self, headers: Mapping[str, str]) -> str | None:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if not scheme:
            return None
        user, _, password = base64.b64decode(value).decode().partition(":")
        return self._known(user, password)

    def _user_of_form(self, form: Mapping[str, list[str]]) -> str:
        if form["grant_type"] == ["refresh_token"]:
            return self.refresh_tokens[form["refresh_token"][0]]
        return self._known(form["username"][0], form["password"][0])

    def _known(self, user: str, password: str) -> str:
        if self.users[user] != password:
            raise KeyError(user)
        return user


@contextmanager
def token_server(folder: Path, users: Mapping[str, str]) -> Iterator[TokenServer]:
    """A token server on loopback, until the end of the block; a registry trusts it by the file `certificate`."""
    tokens = TokenServer(dict(users))
    signed = _self_signed(tokens._key)
    tokens.certificate = folder / "tokens.crt"
    tokens.certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    tokens._chain = base64.b64encode(signed.public_bytes(Encoding.DER)).decode()
    with faulty_registry(tokens.answer) as server:
        tokens.realm = f"{server.url}/token"
        yield tokens


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = common_name(ISSUER)
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256())
