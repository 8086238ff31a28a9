"""The container registries: whether they answer, let us in, and let us read what is followed there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from updater import polling
from updater.core.environment import NamedEnvironment
from updater.core.matching import rule_for
from updater.core.references import split_host
from updater.doctor.checks import Check, fault, ok, warning
from updater.errors import RegistryError, RegistryRefused, UsageError
from updater.protocols import Clock
from updater.registries import settings
from updater.registries.answers import Kept
from updater.registries.client import Client
from updater.registries.settings import Place
from updater.sight import Sight

_NAME = "registry"
_LIKE_A_TOKEN = 20
"""A user's name that is so long may be a token: there are registries that take one in its place."""


def checks(sight: Sight, environments: Sequence[NamedEnvironment], environ: Mapping[str, str]) -> Iterator[Check]:
    """What each registry says that is described, that somebody logged in to, or whose images are followed.

    Of one followed image of each the tags are listed, and what one of them names is asked.
    """
    try:
        places = settings.read(environ)
        hosts = places.hosts()
    except (UsageError, RegistryRefused) as error:
        yield fault(_NAME, error)
        return
    images = sorted(polling.wanted(sight))
    followed = dict(map(split_host, images))
    needed = {*_demanded(environments, images), *places.described, *filter(places.is_known, followed)}
    for host in dict.fromkeys((*followed, *hosts)):
        yield _check(places.place(host), followed.get(host), sight.clock, is_needed=host in needed)
    if not followed and not hosts:
        yield ok(_NAME, "none is asked")


def _demanded(environments: Sequence[NamedEnvironment], images: Sequence[str]) -> Iterator[str]:
    """The registries without whose word nothing of theirs lands."""
    for image in images:
        rules = (rule_for(environment, image) for environment in environments)
        if any(rule is not None and (rule.follow.confirm or rule.follow.signed_by) for rule in rules):
            yield split_host(image)[0]


def _check(place: Place, repository: str | None, clock: Clock, *, is_needed: bool) -> Check:
    try:
        return ok(_NAME, f"{place.host} {_seen(place, repository, clock)}")
    except (RegistryError, UsageError) as error:
        if is_needed:
            return fault(_NAME, error)
        why = "nothing that is followed is there" if repository is None else "what lands does not wait for it"
        return warning(_NAME, f"{error}; {why}", error.hint)


def _seen(place: Place, repository: str | None, clock: Clock) -> str:
    """What there is to see of a registry. Raises `RegistryError`."""
    who = _who(place)
    with closing(Client(place, clock.now, time.monotonic, time.sleep, _Nothing())) as client:
        if repository is None:
            client.ping()
            return f"answers; {who}"
        tags = client.tags(repository)
        if tags is None:
            told = f"{place.host} has no {repository}, or does not show it to us; {who}"
            raise RegistryRefused(told, hint="is the name right, and may this login read it?")
        for tag in list(tags)[-1:]:
            client.digest(repository, tag)
        return f"lets us read {repository} ({len(tags)} tags); {who}"


def _who(place: Place) -> str:
    secret = None if place.login is None else place.login()
    if secret is None:
        return "nobody is logged in"
    name = "a token" if len(secret.username) >= _LIKE_A_TOKEN else secret.username or "a token"
    return f"logged in as {name} (login: {place.way})"


class _Nothing:
    """A memory without anything in it, so that everything is asked anew."""

    def known(self, key: str) -> Kept | None:  # noqa: ARG002  (see `answers.Memory`)
        """See `answers.Memory`."""
        return None

    def keep(self, key: str, kept: Kept) -> None:
        """See `answers.Memory`."""
