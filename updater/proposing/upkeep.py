"""One pull request on the forge, brought into line with its branch: opened, rewritten, withdrawn, reported, merged."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from updater.core import pull_text
from updater.core.pull_text import About, Other
from updater.errors import ForgeError, ForgeRefused
from updater.forge import GATES, WITHDRAWN, Draft, Edit, PullRequest, Status, StatusState
from updater.proposing.building import Built
from updater.proposing.describing import Proposal, about, rendered, title
from updater.sight import Sight

_DESCRIPTION = 140
"""How long a status' description may be: GitHub's limit, the smallest of the forges."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A pull request as it is now, and what was done with it, in words; `error` is what was not done in the end."""

    pull: PullRequest
    told: str = ""
    error: ForgeError | None = None


def keep_up(sight: Sight, each: Built, commit: str | None) -> Kept | None:
    """What a task asks of the forge, given the commit that was pushed. None where there is no pull request.

    Raises `ForgeError`.
    """
    action, branch = each.task.arrangement.action, each.task.branch
    if action == "open":
        return _opened(sight, each, commit)
    if branch is None or branch.pull is None:
        return None
    if action == "withdraw":
        return withdraw(sight, branch.pull, each.task.arrangement.reason)
    if action == "leave":
        return Kept(branch.pull, each.task.arrangement.reason, report(sight, each, branch.pull))
    pull = _rewritten(sight, each, branch.pull, commit)
    error = report(sight, each, pull)
    merged = _merged(sight, each, pull, is_pushed=commit is not None) if error is None else None
    return merged or Kept(pull, "" if commit is None else "moved", error)


def withdraw(sight: Sight, pull: PullRequest, reason: str) -> Kept:
    """Closes a pull request: first the label that tells that no person did, then why."""
    comment = None if WITHDRAWN in pull.labels else pull_text.withdrawn(reason)  # it was told, and closing failed
    sight.forge().edit(pull.number, Edit(labels=(WITHDRAWN,), comment=comment, state="closed"))
    return Kept(replace(pull, state="closed", labels=pull.labels | {WITHDRAWN}), reason)


def _opened(sight: Sight, each: Built, commit: str | None) -> Kept:
    settings = each.task.environment.settings.pull_request
    head = commit or each.old
    assert head is not None, "a branch was pushed, or was there"
    proposal = _proposal(each)
    heading, text = title(proposal), _body(sight, each, proposal, about(proposal))
    draft = Draft(
        each.task.head,
        each.base,
        head,
        heading,
        text,
        settings.labels,
        settings.reviewers,
        settings.draft,
    )
    pull = sight.forge().open(draft)
    _remember(sight, proposal, replace(pull, title=heading, body=text), head)
    error = report(sight, each, replace(pull, commit=head))
    return Kept(pull, "opened", error)


def _rewritten(sight: Sight, each: Built, pull: PullRequest, commit: str | None) -> PullRequest:
    """The pull request with the title, text and base that it should have."""
    proposal = _proposal(each)
    # What others have pushed since we looked is not ours to describe, and even less to merge.
    head = commit or each.old or pull.commit
    base = each.base
    now = replace(pull, commit=head, base=base, statuses=pull.statuses if head == pull.commit else ())
    # A person has reopened what we withdrew: closing it again would be a no.
    without = (WITHDRAWN,) if WITHDRAWN in pull.labels else ()
    if pull.base == base and not without and _key(proposal, pull, head) in sight.memo:
        return now
    heading, text = title(proposal), _body(sight, each, proposal, about(proposal))
    edit = Edit(
        None if pull.title == heading else heading,
        None if _plain(pull.body) == _plain(text) else text,
        None if pull.base == base else base,
        without=without,
    )
    if edit != Edit():
        sight.forge().edit(pull.number, edit)
    now = replace(now, title=heading, body=text, labels=pull.labels - {WITHDRAWN})
    _remember(sight, proposal, now, head)
    return now


def _body(sight: Sight, each: Built, proposal: Proposal, told: About) -> str:
    if each.task.environment.settings.verify == "parse" and told.bumps:
        told = replace(told, unrendered=("the environment asks for no rendering (`verify: parse`)",))
    else:
        diffs, unrendered = rendered(sight.repository.tree(each.task.base), proposal, sight.render)
        told = replace(told, diffs=diffs, unrendered=unrendered)
    return pull_text.body(told, sight.forge().max_body)


def _proposal(each: Built) -> Proposal:
    supersedes = tuple(Other(service, version) for service, version in each.supersedes)
    waits = tuple(each for each in each.task.arrangement.waits)
    return Proposal(each.task.environment.name, each.changes, each.bumps, waits, supersedes, each.ordered)


def _key(proposal: Proposal, pull: PullRequest, head: str) -> str:
    """What a text depends on, and the text itself: one that was right once is not rendered again."""
    parts = (about(proposal), title(proposal), head, pull.title, _plain(pull.body))
    return f"text:{hashlib.sha256(repr(parts).encode()).hexdigest()}"


def _remember(sight: Sight, proposal: Proposal, pull: PullRequest, head: str) -> None:
    sight.memo.add(_key(proposal, pull, head))


def _plain(text: str) -> str:
    """A text as forges keep it: they may change the ends of lines."""
    return text.replace("\r\n", "\n").strip()


def report(sight: Sight, each: Built, pull: PullRequest) -> ForgeError | None:
    """Sees to it that the status on the head tells how the gates are; gives why that could not be done."""
    found = _gates(each)
    here = next((status for status in pull.statuses if status.context == GATES), None)
    if found is None or (here is not None and (here.state, here.description) == found):
        return None
    state, description = found
    try:
        sight.forge().report(pull.commit, Status(GATES, state, sight.clock.now(), description))
    except ForgeError as error:
        return error
    return None


def _gates(each: Built) -> tuple[StatusState, str] | None:
    """State and description; None where nothing is known. What others work on is judged by what it proposes."""
    task = each.task
    content = None if task.branch is None else task.branch.proposed
    is_left = task.arrangement.action == "leave"
    if each.ordered or (content is not None and content.by_hand is not None and not each.bumps):
        return "success", "ordered by hand"
    if is_left and (content is None or not content.strangers):
        return None
    bumps = task.arrangement.bumps if is_left else each.bumps
    waiting = [bump for bump in bumps if not bump.may_land]
    if is_left and content is not None and len(bumps) < len(content.versions):
        return "pending", _short(task.arrangement.reason)
    if not waiting:
        return "success", "all gates are green"
    is_red = any(state.state == "red" for bump in waiting for state in bump.gates)
    reasons = "; ".join(dict.fromkeys(bump.decision.reason for bump in waiting))
    return "failure" if is_red else "pending", _short(reasons)


def _short(text: str) -> str:
    return text if len(text) <= _DESCRIPTION else f"{text[: _DESCRIPTION - 1]}…"


def _merged(sight: Sight, each: Built, pull: PullRequest, *, is_pushed: bool) -> Kept | None:
    """Merges what is green, where the environment asks for it: the head as it is, counting only approvals of that."""
    settings = each.task.environment.settings.pull_request
    is_green = all(bump.may_land for bump in each.bumps) and not each.refused
    is_ready = pull.readiness in ("ready", "unknown") and not (pull.draft or pull.queued or is_pushed)
    if settings.merge != "when-green" or not is_green or not is_ready:
        return None
    if pull.approvals and not any(approval.commit == pull.commit for approval in pull.approvals):
        return Kept(pull, "it was approved before it changed, and waits for an approval as it is now")
    try:
        outcome = sight.forge().merge(pull.number, pull.commit, settings.method)
    except ForgeRefused as error:
        return Kept(pull, str(error))
    if outcome == "queued":
        return Kept(replace(pull, queued=True), "given to the merge queue: all gates are green")
    return Kept(replace(pull, state="merged"), f"#{pull.number} was merged: all gates are green")
