"""Who may send, from `UPDATER_HOOK*`, `UPDATER_PUBSUB_*` and `UPDATER_SNS_*`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from updater import settings
from updater.admission.google import Senders
from updater.core.urls import is_safe
from updater.errors import UsageError

CERTS_URL = "https://www.googleapis.com/oauth2/v3/certs"

_SECRET = "UPDATER_HOOK_SECRET_"  # noqa: S105
_OPEN = "UPDATER_HOOKS_OPEN"
_AUDIENCE, _SENDER, _CERTS = "UPDATER_PUBSUB_AUDIENCE", "UPDATER_PUBSUB_SENDER", "UPDATER_PUBSUB_CERTS_URL"
_TOPICS = "UPDATER_SNS_TOPICS"
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
_SHORT = 16
_MOST_SECRETS = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """Secrets by source, Google's senders, SNS topics, and whether everything is admitted."""

    secrets: Mapping[str, tuple[bytes, ...]] = field(repr=False)
    senders: Senders | None
    topics: frozenset[str]
    is_open: bool
    warnings: tuple[str, ...] = ()


def read(environ: Mapping[str, str], sources: Collection[str], *, is_loopback: bool) -> Settings:
    """Raises `UsageError` naming the variable that is wrong."""
    secrets = dict(_secrets(environ, sources))
    short = sorted(source for source, values in secrets.items() if min(map(len, values)) < _SHORT)
    return Settings(
        secrets=secrets,
        senders=_senders(environ),
        topics=_topics(environ),
        is_open=_is_open(environ, is_loopback),
        warnings=tuple(f"{variable(source)} is shorter than {_SHORT} characters" for source in short),
    )


def variable(source: str) -> str:
    """The variable that holds the secrets of a source."""
    return _SECRET + source.upper().replace("-", "_")


def _secrets(environ: Mapping[str, str], sources: Collection[str]) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    known = {variable(source): source for source in sources}
    given = {name.removesuffix("_FILE") for name, value in environ.items() if name.startswith(_SECRET) and value}
    for name in sorted(given):
        if name not in known:
            near = difflib.get_close_matches(name[len(_SECRET) :], [each[len(_SECRET) :] for each in known], 1)
            hint = f"did you mean {_SECRET}{near[0]}?" if near else f"there are: {', '.join(sorted(sources))}"
            raise UsageError(f"{name}: there is no such source", hint=hint)
        if (text := settings.secret(environ, name)) is not None:
            yield known[name], _split(name, text)


def _split(name: str, text: str) -> tuple[bytes, ...]:
    values = tuple(each.strip().encode() for each in text.split(","))
    if not all(values) or len(values) > _MOST_SECRETS:
        raise UsageError(
            f"{name} is not one secret, or two with a comma between them", hint="a secret itself has no comma"
        )
    return values


def _senders(environ: Mapping[str, str]) -> Senders | None:
    audiences, emails = _list(environ, _AUDIENCE), _list(environ, _SENDER)
    if not audiences and not emails:
        return None
    if not audiences or not emails:
        missing, given = (_AUDIENCE, _SENDER) if emails else (_SENDER, _AUDIENCE)
        raise UsageError(f"{missing} is not set, but {given} is", hint="tokens are taken only where both are set")
    url = environ.get(_CERTS) or CERTS_URL
    if not is_safe(url):
        raise UsageError(f"{_CERTS} is no https:// URL", hint=f"leave it out for {CERTS_URL}")
    return Senders(emails, audiences, url)


def _topics(environ: Mapping[str, str]) -> frozenset[str]:
    topics = _list(environ, _TOPICS)
    for topic in sorted(topics):
        if not _TOPIC.fullmatch(topic):
            raise UsageError(f"{_TOPICS}: {topic!r} is no topic", hint="write arn:aws:sns:REGION:ACCOUNT:NAME")
    return topics


def _list(environ: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(each.strip() for each in environ.get(name, "").split(",") if each.strip())


def _is_open(environ: Mapping[str, str], is_loopback: bool) -> bool:
    text = environ.get(_OPEN, "0")
    if text not in ("", "0", "1"):
        raise UsageError(f"{_OPEN} is {text!r}", hint="write 1, or leave it out")
    if text == "1" and not is_loopback:
        raise UsageError(f"{_OPEN} is only for a service that listens on loopback", hint="set secrets instead")
    return text == "1"
