"""What GitHub tells about our credentials: rights, limits, when they end, and which branches are protected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from updater.doctor.checks import Check, fault, ok, warning
from updater.errors import ForgeError, ForgeRefused
from updater.forge import Connection
from updater.forges.github import api, settings
from updater.forges.github.answers import Answer
from updater.forges.github.client import Client, Wire
from updater.forges.github.reading import expected
from updater.forges.github.settings import App, Place
from updater.forges.github.tokens import Tokens

SOON = timedelta(days=14)
LITTLE = 0.1
_RIGHTS = {"contents": ("contents",), "pull requests": ("pull_requests",), "commit statuses": ("statuses", "checks")}
"""What an App needs to write; of several one is enough."""
_EXPIRES = "github-authentication-token-expiration"
_UNPROTECTED = "let the updater bypass the protection, or let the environment `deliver: pull-request`"


@dataclass
class Noted:
    """A wire that keeps the headers of the last answer."""

    wire: Wire
    headers: Mapping[str, str] = field(default_factory=dict)

    def send(self, token: str, verb: str, path: str, body: Any = None) -> Answer:
        """See `Wire`."""
        answer = self.wire.send(token, verb, path, body)
        self.headers = answer.headers
        return answer

    def query(self, token: str, text: str, variables: Any) -> Answer:
        """See `Wire`."""
        return self.wire.query(token, text, variables)

    def close(self) -> None:
        """See `Wire`."""
        self.wire.close()


def checks(connection: Connection, branches: Sequence[str]) -> Iterator[Check]:
    """What GitHub says of the credentials in force, and of the branches that are committed to."""
    place = settings.place(connection.repository, connection.environ)
    wire = Noted(api.Wire(place.api, connection.seconds))
    try:
        yield from _checks(place, wire, connection, branches)
    except ForgeError as error:
        yield fault("github", error)
    finally:
        wire.close()


def _checks(place: Place, wire: Noted, connection: Connection, branches: Sequence[str]) -> Iterator[Check]:
    login, path = place.login, f"/repos/{place.repository}"
    if isinstance(login, App):
        as_app = Client(wire, lambda: api.app_token(login, connection.now()), place, connection)
        client = Client(wire, Tokens(as_app, place, connection.now).current, place, connection)
        installed = as_app.read(f"{path}/installation", "look at the App", "metadata: read")
        with expected():
            yield granted(installed["permissions"])
    else:
        client = Client(wire, lambda: login, place, connection)
        repository = client.read(path, "look at the repository", "metadata: read")
        with expected():
            yield _may_push(repository.get("permissions") or {}, place)
        yield from ending(wire.headers, connection.now(), place)
    yield _limits(client)
    for branch in branches:
        yield from _protected(client, path, branch)


def granted(permissions: Mapping[str, str]) -> Check:
    """Whether an App has the rights that it needs."""
    missing = [right for right, names in _RIGHTS.items() if not any(permissions.get(name) == "write" for name in names)]
    if not missing:
        return ok("github", "the App has the rights that it needs")
    told = f"the App lacks the right to write {', '.join(missing)}"
    return fault("github", ForgeRefused(told, hint="give it that, and accept it where the App is installed"))


def _may_push(permissions: Mapping[str, bool], place: Place) -> Check:
    if permissions.get("push", True):
        return ok("github", f"the token is for {place.repository}")
    hint = "give its account the role Write, and the token the right `contents: write`"
    return fault("github", ForgeRefused(f"the token may not write to {place.repository}", hint=hint))


def ending(headers: Mapping[str, str], now: datetime, place: Place) -> Iterator[Check]:
    """When a token ends, where GitHub says it: see "Managing your personal access tokens" in its documentation."""
    told = headers.get(_EXPIRES)
    if told is None:
        return
    try:
        ends = datetime.strptime(told.replace("UTC", "+0000"), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return
    text = f"the token ends on {ends:%Y-%m-%d}"
    if ends - now < SOON:
        yield warning("github", text, f"make a new one in time, and set it in {place.variables}")
    else:
        yield ok("github", text)


def _limits(client: Client) -> Check:
    try:
        limits = client.read("/rate_limit", "look at the limits", "none")
    except ForgeRefused as error:
        # An Enterprise Server may have none, and says so with a 404.
        return ok("github", error.message)
    with expected():
        return left(limits["resources"], client.now())


def left(resources: Mapping[str, Mapping[str, int]], now: datetime) -> Check:
    """How much of the limits is left, of the one of which it is least."""
    name, part = min(((name, resources[name]) for name in ("core", "graphql")), key=lambda pair: _share(pair[1]))
    told = f"{part['remaining']} of {part['limit']} requests are left in this hour ({name})"
    if _share(part) >= LITTLE:
        return ok("github", told)
    seconds = max(0, part["reset"] - int(now.timestamp()))
    return warning("github", told, f"there are more in {seconds} s; who else uses these credentials?")


def _share(part: Mapping[str, int]) -> float:
    return part["remaining"] / max(1, part["limit"])


def _protected(client: Client, path: str, branch: str) -> Iterator[Check]:
    """Whether a branch is protected, by a rule of its own or a ruleset; by whom it may be bypassed is not told."""
    try:
        found = client.read(f"{path}/branches/{quote(branch, safe='')}", f"look at {branch}", "contents: read")
    except ForgeRefused:
        return  # that a branch is not there is a check of its own
    with expected():
        if found["protected"]:
            yield warning("github", f"{branch} is protected, and environments are committed to it", _UNPROTECTED)
        else:
            yield ok("github", f"{branch} is not protected from our commits")
