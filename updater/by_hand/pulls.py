"""Our pull requests as people name them: by number, or by environment and service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from updater.by_hand.services import environments, names
from updater.core import heads
from updater.core.environment import NamedEnvironment
from updater.errors import UsageError
from updater.forge import GATES, PREFIX, PullRequest, Readiness
from updater.sight import Sight

_NUMBER = re.compile(r"#?([0-9]{1,9})")
_NAMED = 10
_READY: Mapping[Readiness, str | None] = {
    "ready": None,
    "blocked": "what the forge's rules demand (reviews, statuses)",
    "behind": "its branch to be brought up to date with the base",
    "conflicting": "a conflict with its base to be solved",
    "unknown": None,
}


def opened(sight: Sight) -> list[PullRequest]:
    """All open pull requests of ours, by number. Raises `ForgeError`, `UsageError`."""
    return sorted(sight.forge().opened(), key=_number)


def everything(sight: Sight) -> list[PullRequest]:
    """The open ones, and of each branch of ours that may have been the newest merged and closed ones; newest first."""
    there = opened(sight)
    found = {pull.number: pull for pull in (*sight.forge().settled(_heads(sight, there)), *there)}
    return sorted(found.values(), key=_number, reverse=True)


def listed(sight: Sight, wanted: Sequence[str], environment: str | None, *, settled: bool) -> list[PullRequest]:
    """Those that a person asks to see: the open ones by number, or with the settled ones, newest first."""
    there = everything(sight) if settled else opened(sight)
    _check(sight, environment, there)
    return matching(there, wanted, environment)


def matching(pulls: Iterable[PullRequest], wanted: Sequence[str], environment: str | None) -> list[PullRequest]:
    """Those that one of the numbers or globs names (all, if there is none), in one environment or any."""
    mine = [pull for pull in pulls if environment is None or environment_of(pull) == environment]
    return [pull for pull in mine if not wanted or any(_is_meant(pull, each) for each in wanted)]


def chosen(sight: Sight, wanted: Sequence[str], environment: str | None) -> list[PullRequest]:
    """The open pull requests that are named by numbers or globs. Raises `UsageError` for what names none."""
    there = opened(sight)
    _check(sight, environment, there)
    mine = matching(there, (), environment)
    misses = [each for each in wanted if not matching(mine, [each], None)]
    if misses:
        where = "" if environment is None else f" of {environment}"
        named = ", ".join(f"#{pull.number} {name(pull)}" for pull in mine[:_NAMED])
        hint = f"there are: {named}" if named else "`updater pr list --all` shows merged and closed ones"
        raise UsageError(f"no open pull request{where} is {' or '.join(misses)}", hint=hint)
    return matching(mine, wanted, None)


def one(sight: Sight, number: str) -> PullRequest:
    """The pull request of ours with this number, in whatever state. Raises `UsageError` where there is none."""
    digits = _NUMBER.fullmatch(number)
    if digits is None:
        raise UsageError(f"{number!r} is no number of a pull request", hint="`updater pr list` shows the numbers")
    wanted = int(digits[1])
    there = opened(sight)
    found = next((pull for pull in there if pull.number == wanted), None)
    settled = () if found else sight.forge().settled(_heads(sight, there))
    found = found or next((pull for pull in settled if pull.number == wanted), None)
    if found is None:
        raise UsageError(f"#{wanted} is no pull request of ours", hint="`updater pr list --all` shows those that are")
    return found


def name(pull: PullRequest) -> str:
    """What a pull request is about, as `environment/service`."""
    head = heads.parsed(pull.head)
    return pull.head if head is None else f"{head.environment}/{head.service}"


def environment_of(pull: PullRequest) -> str | None:
    """The environment that a pull request is about."""
    head = heads.parsed(pull.head)
    return None if head is None else head.environment


def approved_by(pull: PullRequest) -> list[str]:
    """Who agreed to it as it is."""
    return list(dict.fromkeys(each.by for each in pull.approvals if each.commit == pull.commit))


def waits_for(pull: PullRequest) -> str | None:
    """What an open one waits for before it can be merged, as the forge tells; None if for nothing that it knows."""
    if pull.state != "open":
        return None
    gates = next((each for each in pull.statuses if each.context == GATES and each.state != "success"), None)
    if gates is not None:
        return gates.description or f"{GATES}, which is {gates.state}"
    if pull.queued:
        return "its turn in the merge queue"
    return "somebody to say that it is no draft any more" if pull.draft else _READY[pull.readiness]


def _heads(sight: Sight, there: Iterable[PullRequest]) -> list[str]:
    """Every branch of ours that may have been, as far as it is known here."""
    known, _ = environments(sight)
    found = dict.fromkeys((*(pull.head for pull in there), *sight.repository.names(PREFIX)))
    for environment in known.values():
        if environment.proposes and sight.repository.tip(environment.branch) is not None:
            found |= dict.fromkeys(heads_of(sight, environment))
    return list(found)


def heads_of(sight: Sight, environment: NamedEnvironment) -> list[str]:
    """The branches that an environment may have: of each of its services, of all together, of its file."""
    services = [heads.head(environment.name, service) for service in names(sight, environment)]
    return [*services, *(heads.shared(environment.name, what) for what in (heads.ALL, heads.SETTINGS))]


def _check(sight: Sight, environment: str | None, there: Iterable[PullRequest]) -> None:
    """Raises `UsageError` for an environment that is not there, and of which no pull request is left."""
    known, _ = environments(sight)
    if environment not in (None, *known, *map(environment_of, there)):
        raise UsageError(f"there is no environment {environment!r}", hint=f"there are: {', '.join(known)}")


def _is_meant(pull: PullRequest, wanted: str) -> bool:
    number = _NUMBER.fullmatch(wanted)
    if number is not None:
        return pull.number == int(number[1])
    head = heads.parsed(pull.head)
    return fnmatchcase(name(pull), wanted) or (head is not None and fnmatchcase(head.service, wanted))


def _number(pull: PullRequest) -> int:
    return pull.number
