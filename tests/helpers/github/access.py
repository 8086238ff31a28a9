"""Who may do what: tokens with their rights, GitHub Apps and the tokens of their installations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.helpers.github.model import Account
from tests.helpers.github.refusals import Refusal, not_found

Kind = Literal["classic", "fine-grained", "installation"]
Rights = Mapping[str, str]
"""What may be read and written: `contents`, `pull_requests`, `statuses`, ... to `read` or `write`."""
ALL: Rights = dict.fromkeys(("contents", "pull_requests", "issues", "statuses", "checks", "merge_queues"), "write")
HOUR = timedelta(hours=1)
_PREFIXES = {"classic": "ghp_", "fine-grained": "github_pat_", "installation": "ghs_"}


@dataclass
class Token:
    """A token. `sees` is whether the repository is among those that it is for."""

    value: str = field(repr=False)
    account: Account
    kind: Kind
    rights: Rights
    sees: bool = True
    expires_at: datetime | None = None
    app: int | None = None

    def may(self, right: str) -> bool:
        """Whether it has a right, as `pull_requests:write`; of several, with `|` between them, one is enough."""
        pairs = (one.split(":") for one in right.split("|"))
        return any(self.rights.get(what) in (level, "write") for what, level in pairs)

    def demand(self, right: str) -> None:
        """Raises a 403 where it lacks a right."""
        if right and not self.may(right):
            who = "integration" if self.kind == "installation" else "personal access token"
            wanted = right.replace(":", "=").replace("|", "; ")
            raise Refusal(403, f"Resource not accessible by {who}", headers={"x-accepted-github-permissions": wanted})


@dataclass
class App:
    """A GitHub App with one installation. `key` is what its owner has in a file, in PEM."""

    id: int
    slug: str
    bot: Account
    rights: Rights
    installation: int
    installed_at: datetime
    _key: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048), repr=False)

    @property
    def key(self) -> str:
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()

    def assertion(self, now: datetime, **claims: object) -> str:
        """A JSON web token as the App's owner makes them; `claims` make it another one."""
        seconds = int(now.timestamp())
        told = {"iss": str(self.id), "iat": seconds - 30, "exp": seconds + 300, **claims}
        return jwt.encode(told, self._key, "RS256")

    def signed(self, assertion: str) -> Mapping[str, object] | None:
        """What a JSON web token of the App says; None if it is not its."""
        try:
            unchecked = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
            told: Mapping[str, object] = jwt.decode(assertion, self._key.public_key(), ["RS256"], options=unchecked)  # type: ignore[arg-type]
        except jwt.InvalidTokenError:
            return None
        return told if str(told.get("iss")) == str(self.id) else None


class Access:
    """All tokens and Apps."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.tokens: dict[str, Token] = {}
        self.apps: list[App] = []
        self._numbers = count(1)

    def grant(
        self, account: Account, kind: Kind, rights: Rights, *, sees: bool = True, app: int | None = None
    ) -> Token:
        """A new token."""
        value = f"{_PREFIXES[kind]}{next(self._numbers):036d}"
        expires = self.now() + HOUR if kind == "installation" else None
        self.tokens[value] = Token(value, account, kind, rights, sees, expires, app)
        return self.tokens[value]

    def register(self, slug: str, bot: Account, rights: Rights) -> App:
        """A new App, installed on the repository."""
        number = next(self._numbers)
        self.apps.append(App(100 + number, slug, bot, rights, 9000 + number, self.now()))
        return self.apps[-1]

    def token(self, value: str) -> Token:
        """The token of this value; raises a 401 if there is none, or its time is over."""
        token = self.tokens.get(value)
        if token is None or (token.expires_at is not None and token.expires_at <= self.now()):
            raise Refusal(401, "Bad credentials")
        return token

    def app(self, assertion: str) -> App:
        """The App that signed a JSON web token; raises a 401 where it is not good now."""
        for app in self.apps:
            if told := app.signed(assertion):
                self._check_times(told)
                return app
        raise Refusal(401, "A JSON web token could not be decoded")

    def app_by_id(self, number: int) -> App:
        return next(app for app in self.apps if app.id == number)

    def installed(self, app: App, installation: int) -> Token:
        """A token for an installation of an App; raises a 404 if it is not its."""
        if installation != app.installation:
            raise not_found()
        return self.grant(app.bot, "installation", app.rights, app=app.id)

    def _check_times(self, told: Mapping[str, object]) -> None:
        now, issued, expires = self.now().timestamp(), told.get("iat"), told.get("exp")
        if not isinstance(expires, int | float) or expires <= now:
            raise Refusal(
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
                "assertion expires",
            )
        if expires > now + 600:
            raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
        if not isinstance(issued, int | float) or issued > now + 60:
            raise Refusal(
                401,
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            )
