"""The REST calls about who asks: accounts, limits, Apps and their installations."""

from __future__ import annotations

from tests.helpers.github.calls import PLAIN, Answer, Call, route
from tests.helpers.github.model import stamp
from tests.helpers.github.refusals import Refusal

RESOURCES = ("core", "graphql")


@route("GET", "/user")
def get_user(call: Call) -> Answer:
    if call.token is None or call.token.kind == "installation":
        raise Refusal(403, "Resource not accessible by integration")
    return Answer(200, call.shapes.myself(call.actor))


@route("GET", "/rate_limit", free=True)
def get_limits(call: Call) -> Answer:
    told = {name: call.limits.budget(call.actor.login, name).body for name in RESOURCES}
    return Answer(200, {"resources": {**told, "search": told["core"]}, "rate": told["core"]})


@route("GET", "/app", by_app=True)
def get_app(call: Call) -> Answer:
    assert call.app is not None
    return Answer(200, call.shapes.app(call.app))


@route("GET", "/app/installations", by_app=True)
def list_installations(call: Call) -> Answer:
    assert call.app is not None
    shown, links = call.page([call.shapes.installation(call.app)])
    return Answer(200, shown, links)


@route("GET", f"{PLAIN}/installation", by_app=True)
def get_installation(call: Call) -> Answer:
    assert call.app is not None
    return Answer(200, call.shapes.installation(call.app))


@route("POST", "/app/installations/{installation_id}/access_tokens", by_app=True)
def create_token(call: Call) -> Answer:
    assert call.app is not None
    token = call.access.installed(call.app, int(call.parts["installation_id"]))
    assert token.expires_at is not None
    body = {
        "token": token.value,
        "expires_at": stamp(token.expires_at),
        "permissions": dict(token.rights),
        "repository_selection": "selected",
    }
    return Answer(201, body)
