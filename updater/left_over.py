"""The decisions for pushes that no entry takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from updater.core.decide import ignored
from updater.core.matching import Followed
from updater.core.waiting import Waiting, ref
from updater.errors import ConfigurationError
from updater.model import Decision, Event, Outcome
from updater.survey import Survey


def left_over(
    events: Sequence[Event],
    waiting: Waiting,
    followed: Sequence[Followed],
    found: Survey,
    missing: Collection[str],
) -> Iterator[Decision]:
    """What to say of pushes that no entry takes: refused where a file that mentions the image cannot be read.

    `missing` are the branches that the remote does not have.
    """
    reached = {(hit.followed.environment.name, hit.followed.image) for hit in found.hits}
    alone = ((event, name) for name, kept in waiting.items() for event in kept)
    for event, name in (*((event, None) for event in events), *alone):
        refusals = [
            each
            for each in found.unreadable
            if _wants(each.followed, event) and name in (None, each.followed.environment.name)
        ]
        for each in refusals:
            reason, code = str(each.error), each.error.exit_code
            yield Decision(event.image, event.version, Outcome.REFUSED, reason, event, exit_code=code)
        mine = [match for match in followed if match.image == event.image and name in (None, match.environment.name)]
        taken = any((match.environment.name, match.image) in reached and _wants(match, event) for match in mine)
        if not (taken or refusals):
            yield ignored(event, mine, missing)


def orphans(waiting: Waiting, known: Collection[str]) -> Iterator[Decision]:
    """What waits for environments of which nothing can be said now. It stays where it is."""
    for name in sorted(waiting.keys() - known):
        reason = f"it waits in {ref(name)}, and environments/{name}.yaml is gone or cannot be read"
        yield from (Decision(each.image, each.version, Outcome.WAITING, reason, each) for each in waiting[name])


def unknown(events: Sequence[Event], name: str, error: ConfigurationError) -> Iterator[Decision]:
    """What to say of pushes for an environment whose file is broken: nobody knows whether it follows them."""
    reason = f"it waits in {ref(name)} until environments/{name}.yaml can be read: {error}"
    yield from (Decision(each.image, each.version, Outcome.WAITING, reason, each) for each in events)


def _wants(match: Followed, event: Event) -> bool:
    return match.image == event.image and match.rule.refusal(event.version.tag or "") is None
