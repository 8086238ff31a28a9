"""Statuses and check runs."""

from __future__ import annotations

from tests.helpers.github.client import HEAD, Client


def test_the_newest_status_of_a_context_counts(robot: Client, opened: str) -> None:
    for state in ("pending", "success"):
        robot.send("POST", f"/statuses/{opened}", state=state, context="ci", description=state)
    robot.send("POST", f"/statuses/{opened}", state="pending", context="load")
    combined = robot.get(f"/commits/{opened}/status").body
    assert (combined["state"], combined["total_count"]) == ("pending", 2)
    assert {one["context"]: one["state"] for one in combined["statuses"]} == {"ci": "success", "load": "pending"}
    assert len(robot.get(f"/commits/{HEAD}/statuses").body) == 3


def test_a_status_that_is_too_long_or_of_no_commit_is_refused(robot: Client, opened: str) -> None:
    assert robot.send("POST", f"/statuses/{opened}", state="success", description="x" * 141).status == 422
    assert robot.send("POST", f"/statuses/{'0' * 40}", state="success").status == 422


def test_check_runs_are_for_apps(robot: Client, bot: Client, opened: str) -> None:
    run = {"name": "smoke", "head_sha": opened, "status": "completed", "conclusion": "success"}
    assert robot.send("POST", "/check-runs", **run).status == 403
    assert bot.send("POST", "/check-runs", **run).status == 201
    assert [one["name"] for one in robot.get(f"/commits/{opened}/check-runs").body["check_runs"]] == ["smoke"]
