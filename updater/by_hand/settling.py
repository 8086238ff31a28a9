"""What a person has done with pull requests of ours: merged, closed, reopened, approved, one or many at once."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from updater.by_hand.pulls import environment_of, name
from updater.by_hand.services import environments
from updater.core import heads, stops
from updater.errors import ForgeError, UpdaterError
from updater.forge import GATES, WITHDRAWN, Edit, Method, PullRequest
from updater.sight import Sight


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one pull request that a person had something done with: it as it is now, and that in words.

    `undo` is the command that takes a merge back, None where that is not known; `lift` are those of which each lifts
    what a close refused. `error` is why nothing was done.
    """

    pull: PullRequest
    told: str = ""
    undo: str | None = None
    lift: tuple[str, ...] = ()
    error: UpdaterError | None = None


def doubts(sight: Sight, pulls: Sequence[PullRequest]) -> Iterator[str]:
    """What speaks against merging these now, though a person may: a freeze, a pause, gates that are not green."""
    known, _ = environments(sight)
    now = sight.clock.now()
    for pull in pulls:
        environment = known.get(environment_of(pull) or "")
        delayed = None if environment is None else stops.delayed(environment, now)
        gates = next((each for each in pull.statuses if each.context == GATES and each.state != "success"), None)
        if delayed is not None:
            yield f"#{pull.number} {name(pull)} is merged although it is {delayed.reason}"
        elif gates is not None:
            yield f"#{pull.number} {name(pull)} is merged although its gates are not green: {gates.description}"


def merge(sight: Sight, pulls: Sequence[PullRequest], method: Method | None) -> list[Done]:
    """Merges each, if its head is still the one that was listed; what fails stops no other.

    Without a method it is that of the environment, else the first that the forge allows.
    """
    known, _ = environments(sight)
    forge = sight.forge()

    def merge_one(pull: PullRequest) -> Done:
        environment = known.get(environment_of(pull) or "")
        wanted = method or (None if environment is None else environment.settings.pull_request.method)
        if forge.merge(pull.number, pull.commit, wanted) == "queued":
            return Done(replace(pull, queued=True), "given to the merge queue")
        return Done(replace(pull, state="merged"), "merged")

    return _with_commits(sight, _each(pulls, merge_one))


def close(sight: Sight, pulls: Sequence[PullRequest], reason: str | None) -> list[Done]:
    """Closes each, which is a no to what it proposes: so it gets no label of ours. What fails stops no other."""
    forge = sight.forge()

    def close_one(pull: PullRequest) -> Done:
        forge.edit(pull.number, Edit(comment=reason, state="closed"))
        return Done(replace(pull, state="closed"), _refusal(pull), lift=_lifting(pull) if _is_refusal(pull) else ())

    return _each(pulls, close_one)


def reopen(sight: Sight, pull: PullRequest) -> Done:
    """Opens a closed one again, which lifts the refusal. Raises `ForgeError`."""
    if pull.state == "open":
        return Done(pull, "open already")
    sight.forge().edit(pull.number, Edit(state="open"))
    return Done(
        replace(pull, state="open", closed_at=None, closed_by=None), "reopened: what it proposes is wanted again"
    )


def approve(sight: Sight, pulls: Sequence[PullRequest]) -> list[Done]:
    """Agrees to each as it was listed. What fails stops no other."""
    forge = sight.forge()

    def approve_one(pull: PullRequest) -> Done:
        forge.approve(pull.number, pull.commit)
        return Done(pull, f"approved at {pull.commit[:12]}")

    return _each(pulls, approve_one)


def _is_refusal(pull: PullRequest) -> bool:
    """Whether a person who closes it says no to versions: not where it changes settings, or bears our own label."""
    head = heads.parsed(pull.head)
    return (head is None or head.service != heads.SETTINGS) and WITHDRAWN not in pull.labels


def _refusal(pull: PullRequest) -> str:
    if WITHDRAWN in pull.labels:
        return f"closed; it bears the label {WITHDRAWN}, so this refuses nothing"
    return "closed: a no to what it proposes; anything newer is proposed anew" if _is_refusal(pull) else "closed"


def _lifting(pull: PullRequest) -> tuple[str, ...]:
    head = heads.parsed(pull.head)
    commands = [f"updater pr reopen {pull.number}"]
    if head is not None and head.is_service:
        service, environment = shlex.quote(head.service), shlex.quote(head.environment)
        commands.append(f"updater release {service} --env {environment}")
        commands.append(f"updater promote {service} --to {environment}")
    return tuple(commands)


def _each(pulls: Sequence[PullRequest], act: Callable[[PullRequest], Done]) -> list[Done]:
    done = []
    for pull in pulls:
        try:
            done.append(act(pull))
        except ForgeError as error:
            done.append(Done(pull, str(error), error=error))
    return done


def _with_commits(sight: Sight, done: Sequence[Done]) -> list[Done]:
    """What was done, with the commit in which each merge landed, and how to take it back, if that can be known."""
    merged = {each.pull.head for each in done if each.pull.state == "merged"}
    if not merged:
        return list(done)
    try:
        before = {base: sight.repository.tip(base) for base in {each.pull.base for each in done}}
        settled = {pull.number: pull for pull in sight.forge().settled(merged)}
        sight.repository.refresh(frozenset(before))
    except UpdaterError:  # it is merged all the same
        return list(done)
    return [_with_commit(sight, each, settled.get(each.pull.number), before[each.pull.base]) for each in done]


def _with_commit(sight: Sight, each: Done, settled: PullRequest | None, before: str | None) -> Done:
    if each.pull.state != "merged" or settled is None or settled.merged_as is None:
        return each
    undo = None if before is None else _undo(sight, settled, settled.merged_as, before)
    return replace(each, pull=settled, told=f"merged as {settled.merged_as[:12]}", undo=undo)


def _undo(sight: Sight, pull: PullRequest, commit: str, before: str) -> str | None:
    """The `git revert` of a merge: of a merge commit, a squashed one, or as many as were rebased."""
    repository = sight.repository
    here = repository.bring({commit: f"refs/heads/{pull.base}", pull.commit: pull.ref})
    beyond = repository.beyond(before, commit) if commit in here else ()
    made = next((each for each in beyond if each.commit == commit), None)
    if made is None:
        return None
    if len(made.parents) > 1:
        return f"git revert -m 1 {commit[:12]}"
    count = len(repository.beyond(before, pull.commit)) if pull.commit in here else 1
    is_rebased = count > 1 and made.message == repository.message(pull.commit)
    return f"git revert {commit[:12]}~{count}..{commit[:12]}" if is_rebased else f"git revert {commit[:12]}"
