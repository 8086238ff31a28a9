"""Gates' results that somebody told, posted where promotions look for them."""

from __future__ import annotations

from collections.abc import Sequence

from updater.by_hand import reporting
from updater.by_hand.services import refresh
from updater.errors import UsageError
from updater.forge import GATES, Status
from updater.model import Reported
from updater.sight import Sight


def post(sight: Sight, reported: Sequence[Reported]) -> None:
    """Posts each result on its commit, or on those that landed what stands in its service now.

    Raises `UsageError` where there is no such service, and `ForgeError`.
    """
    for each in reported:
        status = Status(each.context, each.state, sight.clock.now(), each.description, each.url)
        if each.commit is not None:
            _on_commit(sight, each.commit, status)
        elif each.environment is not None and each.service is not None:
            refresh(sight)
            reporting.post(sight, each.environment, each.service, status)


def _on_commit(sight: Sight, commit: str, status: Status) -> None:
    if status.context == GATES:
        raise UsageError(f"{GATES} is what the updater itself reports", hint="give the gate another context")
    sight.forge().report(commit, status)
