"""The updater's own format for gates' results, for test runs and whatever else can send a line of JSON.

`{"context": "smoke-test", "state": "success", "service": "model-a", "environment": "test"}`, with `description` and
`url` as one likes; or with a `commit` in the place of service and environment.
"""

from __future__ import annotations

from updater.core.pushes import shown, stranger, text
from updater.core.reports import is_address, known_only, reported, state_named
from updater.errors import EventError
from updater.model import Decoded, Message, Reported

_KEYS = ("service", "environment", "context", "state", "description", "url", "commit")
_DIALECT = "an object with `context` and `state`"
_EXAMPLE = '{"context": "smoke-test", "state": "success", "service": "model-a", "environment": "test"}'


def decode(message: Message) -> Decoded:
    """The result of a gate. Raises `EventError` naming the key that is wrong: a person wrote this."""
    if not isinstance(message.payload, dict):
        return stranger(message, _DIALECT)
    known_only(message.payload, _KEYS)
    fields = {key: text(message.payload, key) or "" for key in _KEYS}
    for key in ("context", "state"):
        if not fields[key]:
            raise EventError(f"`{key}` is missing", hint=f"for example {_EXAMPLE}")
    if not (fields["commit"] or (fields["service"] and fields["environment"])):
        raise EventError("what was tried is missing: `service` and `environment`, or a `commit`")
    if fields["url"] and not is_address(fields["url"]):
        raise EventError(f"`url` is {shown(fields['url'])}, not the address of a page, with https:// or http://")
    return Decoded(reported=(_result(fields),))


def _result(fields: dict[str, str]) -> Reported:
    return reported(
        fields["context"],
        state_named(fields["state"]),
        commit=fields["commit"] or None,
        environment=fields["environment"] or None,
        service=fields["service"] or None,
        description=fields["description"],
        url=fields["url"] or None,
    )
