"""Status gates: whose statuses they wait for, on which commits, and what they say about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core import patterns
from updater.core.environment import Promote, StatusGate
from updater.core.gates import Gate, GateState, all_green, filled, judged
from updater.forge import GATES, Status, StatusState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MODEL = ({"service": "model-a"},)


def gates(*statuses: str | StatusGate, captures: tuple[dict[str, str], ...] = MODEL) -> tuple[Gate, ...]:
    return filled(Promote("test", statuses=statuses), captures)


def gate(context: str, at_least: int = 1, **values: str) -> Gate:
    (only,) = gates(StatusGate(context, at_least), captures=({"service": "model-a", **values},))
    return only


def status(
    context: str, state: StatusState = "success", minute: int = 0, description: str = "", url: str | None = None
) -> Status:
    return Status(context, state, NOON + timedelta(minutes=minute), description, url)


def judge(gate: Gate, *landing: Status, later: tuple[tuple[Status, ...], ...] = ()) -> GateState:
    (only,) = judged([gate], landing, later)
    return only


def test_an_environment_without_statuses_has_no_gates_and_all_of_them_are_green() -> None:
    assert gates() == ()
    assert judged((), [status("smoke-test", "failure")], ()) == ()
    assert all_green(())


def test_a_name_is_a_gate_for_one_status_of_that_name() -> None:
    (only,) = gates("smoke-test")
    assert (only.context, only.at_least, only.is_of_service) == ("smoke-test", 1, False)
    assert only.matches("smoke-test")
    assert not any(map(only.matches, ("smoke-test-2", "a/smoke-test", "Smoke-Test", "smoke-test\n", "")))


def test_captures_are_filled_in_once_for_each_different_value_and_equal_gates_are_one() -> None:
    overlays = ["clusters/eu/model-a", "clusters/us/model-a", "clusters/eu/more/model-a"]
    globs = ["clusters/{cluster}/{service}", "clusters/{cluster}/more/{service}"]
    captures = tuple(values for path in overlays for each in globs if (values := patterns.compile(each).match(path)))
    assert len(captures) == 3
    found = gates(
        "cd/{service}", StatusGate("flux/{cluster}", 2), "{cluster}/{service}", "cd/model-a", captures=captures
    )
    assert [(each.context, each.at_least, each.is_of_service) for each in found] == [
        ("cd/model-a", 1, True),
        ("flux/eu", 2, False),
        ("flux/us", 2, False),
        ("eu/model-a", 1, True),
        ("us/model-a", 1, True),
        ("cd/model-a", 1, False),
    ]
    assert gates("smoke-test", "smoke-test", captures=captures) == gates("smoke-test")


def test_a_gate_is_filled_from_the_overlays_that_have_its_captures() -> None:
    found = gates("{cluster}/{service}", captures=({"service": "a"}, {"service": "a", "cluster": "eu"}))
    assert [each.context for each in found] == ["eu/a"]


@pytest.mark.parametrize("captures", [(), MODEL])
def test_a_gate_that_cannot_be_filled_stays_shut(captures: tuple[dict[str, str], ...]) -> None:
    found = gates("flux/{cluster}", captures=captures)
    (state,) = judged(found, [status("flux/"), status("flux/eu"), status("flux/cluster")], ())
    assert (state.state, state.sentence) == ("pending", "waits for flux/{cluster}: nobody has reported it")


@pytest.mark.parametrize(
    ("written", "service", "matching", "other"),
    [
        ("cd/{service}", "*", ["cd/*"], ["cd/", "cd/x", "cd/**"]),
        ("cd/{service}", "model-[ab]", ["cd/model-[ab]"], ["cd/model-a"]),
        ("cd/{service}", "a?", ["cd/a?"], ["cd/ab", "cd/a"]),
        ("cd/{service}", "{service}", ["cd/{service}"], ["cd/x"]),
        ("cd/{service}", r"a\1.b", [r"cd/a\1.b"], ["cd/axb"]),
        ("cd/{service}-*", "a*", ["cd/a*-", "cd/a*-x/y"], ["cd/ab-x", "cd/a*"]),
        ("a[b]?.c", "x", ["a[b]?.c"], ["ab?.c", "a[b]x.c", "a[b]?xc"]),
        ("[!a]*", "x", ["[!a]", "[!a]b"], ["b", "ba"]),
        ("*", "x", ["", "a", "a/b", "two\nlines"], []),
        ("a*b*c", "x", ["abc", "a/b/b/c", "abcbc"], ["acb", "ab", "xabc", "abcx"]),
        ("**/x", "x", ["/x", "a/b/x"], ["x"]),
    ],
)
def test_only_a_written_star_is_a_wildcard(written: str, service: str, matching: list[str], other: list[str]) -> None:
    one = gate(written, service=service)
    assert [each for each in (*matching, *other) if one.matches(each)] == matching


@given(st.text(max_size=6), st.text(alphabet="*?[]!\\{}ab-", max_size=6), st.text(max_size=6))
def test_a_captured_text_matches_itself_and_nothing_else(before: str, service: str, other: str) -> None:
    before = before.replace("*", "").replace("{", "").replace("}", "")
    one = gate(before + "{service}", service=service)
    assert one.matches(before + service) is True
    assert one.matches(before + other) is (other == service)


def test_many_wildcards_cost_no_more_than_one() -> None:
    assert not gate("*a" * 40 + "b").matches("a" * 20_000)


@pytest.mark.parametrize("written", ["*", "updater/*", "*/gates", "updater/*ates"])
def test_our_own_status_matches_no_wildcard_so_that_we_do_not_wait_for_ourselves(written: str) -> None:
    assert not gate(written).matches(GATES)
    assert judge(gate(written), status(GATES, "pending")).contexts == ()


def test_our_own_status_counts_for_who_names_it() -> None:
    assert gate(GATES).matches(GATES)
    assert gate("updater/*").matches("updater/gates-2")


def test_a_gate_counts_on_the_commit_that_landed_the_version() -> None:
    assert judge(gate("smoke-test"), status("smoke-test")).state == "green"
    assert judge(gate("smoke-test"), later=((status("smoke-test"),),)).state == "pending"


def test_a_gate_that_names_the_service_counts_on_later_commits_too() -> None:
    assert judge(gate("cd/{service}-*"), later=((), (status("cd/model-a-eu"),))).state == "green"
    assert judge(gate("cd/model-a-*"), later=((), (status("cd/model-a-eu"),))).state == "pending"


def test_a_report_on_a_later_commit_takes_nothing_from_gates_that_do_not_name_the_service() -> None:
    found = judge(gate("smoke-test"), status("smoke-test"), later=((status("smoke-test", "failure", 9),),))
    assert found.state == "green"


@pytest.mark.parametrize(
    ("landing", "later", "state"),
    [
        (("failure", 0), ("success", 1), "green"),
        (("success", 0), ("failure", 1), "red"),
        (("success", 0), ("pending", 1), "pending"),
        (("success", 1), ("failure", 0), "green"),
        (("success", 0), ("failure", 0), "red"),
        (("success", 0), ("pending", 0), "pending"),
        (("pending", 0), ("error", 0), "red"),
    ],
)
def test_the_newest_report_of_a_context_counts_and_of_one_moment_the_worse(
    landing: tuple[StatusState, int], later: tuple[StatusState, int], state: str
) -> None:
    first, second = status("cd/model-a", *landing), status("cd/model-a", *later)
    assert judge(gate("cd/{service}"), first, later=((second,),)).state == state
    assert judge(gate("cd/{service}"), second, later=((first,),)).state == state


STATUSES = st.builds(
    status,
    st.sampled_from(["cd/model-a-eu", "cd/model-a-us", "smoke-test", "other"]),
    st.sampled_from(["success", "success", "pending", "failure", "error"]),
    st.integers(0, 3),
    st.sampled_from(["", "x"]),
)
ALL = gates("smoke-test", StatusGate("cd/{service}-*", 2), "{service}", "*")


@given(st.lists(STATUSES, max_size=4), st.lists(st.lists(STATUSES, max_size=3), max_size=3), st.randoms())
def test_the_order_of_reports_says_nothing(landing: list[Status], later: list[list[Status]], chance: Random) -> None:
    found = judged(ALL, landing, later)
    chance.shuffle(landing)
    chance.shuffle(later)
    for each in later:
        chance.shuffle(each)
    assert judged(ALL, landing, later) == found


@given(st.lists(STATUSES, max_size=6))
def test_a_gate_is_green_only_if_enough_match_and_each_of_them_is(landing: list[Status]) -> None:
    for state in judged(ALL, landing, ()):
        newest = {
            each.context: max((other for other in landing if other.context == each.context), key=lambda one: one.at).at
            for each in landing
            if state.gate.matches(each.context)
        }
        counting = [each for each in landing if newest.get(each.context) == each.at]
        green = all(each.state == "success" for each in counting) and len(newest) >= state.gate.at_least
        assert (state.state == "green") is green
        assert state.contexts == tuple(sorted(newest))


EU, US, JP = (f"cd/model-a-{cluster}" for cluster in ("eu", "us", "jp"))
CD = "cd/{service}-*"


@pytest.mark.parametrize(
    ("gate", "statuses", "state", "sentence"),
    [
        (gate("smoke-test"), [], "pending", "waits for smoke-test: nobody has reported it"),
        (gate("smoke-test"), [status("smoke-test")], "green", "smoke-test is green"),
        (gate("smoke-test"), [status("smoke-test", "pending")], "pending", "waits for smoke-test, which is pending"),
        (
            gate("smoke-test"),
            [status("smoke-test", "pending", description="3 of 7")],
            "pending",
            "waits for smoke-test, which is pending: 3 of 7",
        ),
        (
            gate("smoke-test"),
            [status("smoke-test", "failure", 5, "accuracy below 0.9")],
            "red",
            "smoke-test failed on 2026-11-20 at 12:05 UTC: accuracy below 0.9",
        ),
        (
            gate("smoke-test"),
            [status("smoke-test", "error", description=" ")],
            "red",
            "smoke-test ended with an error on 2026-11-20 at 12:00 UTC",
        ),
        (gate(CD), [], "pending", "waits for cd/model-a-*: nobody has reported it"),
        (gate(CD), [status(EU)], "green", "cd/model-a-eu is green"),
        (gate(CD), [status(EU), status(US)], "green", "all 2 cd/model-a-* are green"),
        (gate(CD), [status(EU, "pending")], "pending", "waits for cd/model-a-eu, which is pending"),
        (
            gate(CD),
            [status(EU), status(US, "pending"), status(JP, "pending")],
            "pending",
            "1 of 3 cd/model-a-* so far: waits for cd/model-a-jp, cd/model-a-us",
        ),
        (gate(CD, 2), [], "pending", "0 of 2 cd/model-a-* so far: waits for 2 more"),
        (gate(CD, 3), [status(EU), status(US)], "pending", "2 of 3 cd/model-a-* so far: waits for one more"),
        (
            gate(CD, 4),
            [status(EU), status(US, "pending")],
            "pending",
            "1 of 4 cd/model-a-* so far: waits for cd/model-a-us and 2 more",
        ),
        (gate(CD, 2), [status(EU), status(US), status(JP)], "green", "all 3 cd/model-a-* are green"),
        (
            gate(CD, 5),
            [status(EU, "failure"), status(US, "pending"), status(JP, "error", description="lost")],
            "red",
            "cd/model-a-eu failed on 2026-11-20 at 12:00 UTC; "
            "cd/model-a-jp ended with an error on 2026-11-20 at 12:00 UTC: lost",
        ),
        (
            gate("*", 9),
            [status(name, "pending") for name in "abcd"],
            "pending",
            "0 of 9 * so far: waits for a, b, c, d and 5 more",
        ),
        (
            gate("*"),
            [status(name, "pending") for name in "abcde"],
            "pending",
            "0 of 5 * so far: waits for a, b, c, 2 others",
        ),
    ],
)
def test_a_gate_says_what_it_waits_for_or_what_went_wrong(
    gate: Gate, statuses: list[Status], state: str, sentence: str
) -> None:
    found = judge(gate, *statuses)
    assert (found.state, found.sentence) == (state, sentence)
    assert found.contexts == tuple(sorted(each.context for each in statuses))


def test_what_others_report_cannot_break_out_of_its_line() -> None:
    found = judge(gate("*"), status("a\nb\x1b[31m", "failure", description="x\r\n\u202ey" + "z" * 500))
    assert found.sentence.isprintable()
    assert found.sentence.startswith(r"'a b\x1b[31m' failed on ")
    assert len(found.sentence) < 250
    assert found.sentence.endswith("z…")


@pytest.mark.parametrize(
    ("statuses", "url"),
    [
        ([status("a", url="https://ci.example/1")], "https://ci.example/1"),
        (
            [status("a", url="https://ci.example/1"), status("b", "failure", url="http://ci.example/2")],
            "http://ci.example/2",
        ),
        (
            [status("a", url="https://ci.example/1"), status("b", "pending", url="https://ci.example/3")],
            "https://ci.example/3",
        ),
        ([status("a"), status("b", url="https://ci.example/4")], "https://ci.example/4"),
        ([status("a", url="javascript:alert(1)")], None),
        ([status("a", "failure"), status("b", url="https://ci.example/1")], None),
        ([], None),
    ],
)
def test_the_link_leads_to_what_decided_and_to_pages_only(statuses: list[Status], url: str | None) -> None:
    assert judge(gate("*"), *statuses).url == url


def test_one_gate_that_is_not_green_keeps_the_version_back() -> None:
    one, other = gates("a", "b")
    assert all_green(judged([one, other], [status("a"), status("b")], ()))
    assert not all_green(judged([one, other], [status("a")], ()))
    assert not all_green(judged([one, other], [status("a"), status("b", "failure")], ()))
