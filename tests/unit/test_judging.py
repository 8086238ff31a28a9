"""What becomes of an item, as the report of its batch tells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers.events import IMAGE, at, pushed, target
from updater.errors import (
    ConfigurationError,
    ForgeRefused,
    ForgeUnavailable,
    RegistryRefused,
    RegistryUnavailable,
    RemoteUnavailable,
    RenderError,
    UpdaterError,
)
from updater.feeds import Ending, Item
from updater.model import Decision, Outcome, Version
from updater.pipeline import Report
from updater.working.judging import decided, ending

EVENT = pushed("1.1.0", "a")
LANDED = Decision(IMAGE, EVENT.version, Outcome.COMMITTED, "1.1.0 is newer", EVENT, target("1.0.0"), commit="c0ffee")


def judged(report: Report) -> Ending:
    return ending(Item("1", (EVENT,)), report, decided(report), at(60), 0.0)


def test_a_push_is_found_again_under_its_tag_alone_which_is_all_that_some_environments_write() -> None:
    by_tag = replace(LANDED, to=Version("1.1.0"), event=replace(EVENT, version=Version("1.1.0")))
    assert judged(Report((by_tag,))) == Ending("done", "committed", "1.1.0 is newer", ("c0ffee",))


def test_what_was_decided_on_other_pushes_is_not_its_outcome() -> None:
    other = pushed("1.2.0", "b")
    found = judged(Report((replace(LANDED, event=other, to=other.version),)))
    assert (found.state, found.outcome, found.commits) == ("done", "ignored", ())


def test_of_several_entries_the_one_in_which_most_happened_is_told_with_all_commits() -> None:
    elsewhere = replace(LANDED, commit="decade")
    stands = replace(LANDED, outcome=Outcome.UNCHANGED, reason="it stands already", commit=None)
    assert judged(Report((stands, LANDED, elsewhere))) == Ending(
        "done", "committed", "1.1.0 is newer", ("c0ffee", "decade")
    )


def test_nothing_is_over_as_long_as_nothing_was_decided_because_the_remote_is_down() -> None:
    found = judged(Report(problems=(RemoteUnavailable("it does not answer"),)))
    assert (found.state, found.counts, found.reason) == ("again", False, "it does not answer")


@pytest.mark.parametrize(
    ("error", "counts"), [(RegistryUnavailable("it is down"), False), (RegistryRefused("it wants a login"), True)]
)
def test_a_push_about_which_a_registry_did_not_say_what_is_needed_is_tried_again(
    error: UpdaterError, counts: bool
) -> None:
    refused = replace(LANDED, outcome=Outcome.REFUSED, reason=str(error), commit=None, exit_code=4, retry=True)
    found = judged(Report((refused,), problems=(error,)))
    assert (found.state, found.counts) == ("again", counts)
    forge = ForgeUnavailable("it is down") if error.retry else ForgeRefused("it is down")
    alike = replace(refused, reason=str(forge), exit_code=6)
    assert found.at == judged(Report((alike,), problems=(forge,))).at


@pytest.mark.parametrize(
    ("error", "state", "counts"),
    [
        (ForgeUnavailable("it does not answer"), "again", False),
        (ForgeRefused("the token may not do that"), "again", True),
        (RenderError("the overlay cannot be rendered"), "done", True),
        (ConfigurationError("environments/test.yaml is broken"), "again", True),
    ],
    ids=["the forge is down", "the forge refuses", "the overlay is wrong", "an environment is broken"],
)
def test_a_refusal_ends_a_push_only_where_it_is_the_overlays(error: UpdaterError, state: str, counts: bool) -> None:
    refused = replace(LANDED, outcome=Outcome.REFUSED, reason=str(error), commit=None, exit_code=error.exit_code)
    found = judged(Report((refused,), problems=(error,)))
    assert (found.state, found.reason, found.counts) == (state, str(error), counts)
