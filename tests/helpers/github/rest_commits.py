"""The REST calls about the repository, its branches, statuses and check runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tests.helpers.github import pulls
from tests.helpers.github.calls import PLAIN, Answer, Call, route
from tests.helpers.github.model import CheckRun
from tests.helpers.github.refusals import Refusal, not_found

COMMIT = f"{PLAIN}/commits/{{ref}}"
STATUSES, CONTENTS = "statuses:read", "contents:read"


@route("GET", PLAIN)
def get_repository(call: Call) -> Answer:
    return Answer(200, call.shapes.full_repository(call.token))


@route("GET", f"{PLAIN}/branches/{{branch}}", CONTENTS)
def get_branch(call: Call) -> Answer:
    name = call.parts["branch"]
    sha = call.repository.tip(name)
    if sha is None:
        raise Refusal(404, "Branch not found")
    return Answer(200, call.shapes.branch(name, sha))


@route("GET", f"{PLAIN}/git/ref/{{ref}}", CONTENTS)
def get_ref(call: Call) -> Answer:
    name, sha = _ref(call)
    return Answer(200, call.shapes.ref(name, sha))


@route("POST", f"{PLAIN}/git/refs", "contents:write")
def create_ref(call: Call) -> Answer:
    name, sha = call.given("ref"), call.given("sha")
    if name in call.repository.tips:
        raise Refusal(422, "Reference already exists")
    if call.repository.bare.resolve(sha) is None:
        raise Refusal(422, "Object does not exist")
    call.repository.write({name: sha}, call.actor)
    return Answer(201, call.shapes.ref(name, sha))


@route("PATCH", f"{PLAIN}/git/refs/{{ref}}", "contents:write")
def move_ref(call: Call) -> Answer:
    name, old = _ref(call)
    sha = call.given("sha")
    if call.repository.bare.resolve(sha) is None:
        raise Refusal(422, "Object does not exist")
    if not call.given("force", False) and not call.repository.bare.contains(sha, old):
        raise Refusal(422, "Update is not a fast forward")
    _refuse_protected(call, name)
    call.repository.write({name: sha}, call.actor)
    return Answer(200, call.shapes.ref(name, sha))


@route("DELETE", f"{PLAIN}/git/refs/{{ref}}", "contents:write")
def delete_ref(call: Call) -> Answer:
    name = f"refs/{call.parts['ref']}"
    if name not in call.repository.tips:
        raise Refusal(422, "Reference does not exist")
    _refuse_protected(call, name)
    call.repository.write({name: None}, call.actor)
    return Answer(204)


@route("POST", f"{PLAIN}/statuses/{{sha}}", "statuses:write")
def create_status(call: Call) -> Answer:
    sha = call.repository.bare.resolve(call.parts["sha"])
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {call.parts['sha']}")
    context, text, url = call.given("context", "default"), call.given("description"), call.given("target_url")
    made = pulls.report(call.repository, sha, call.actor, context, call.given("state"), text, url)
    return Answer(201, call.shapes.status(sha, made))


@route("GET", f"{COMMIT}/status", STATUSES)
def combined_status(call: Call) -> Answer:
    sha = call.repository.commit(call.parts["ref"])
    latest = call.repository.latest(sha)
    shown, links = call.page(latest)
    states = {status.state for status in latest}
    state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    body = {
        "state": state,
        "statuses": [call.shapes.status(sha, status, creator=False) for status in shown],
        "sha": sha,
        "total_count": len(latest),
        "repository": call.shapes.short_repository(),
        "commit_url": f"{call.shapes.base}/commits/{sha}",
        "url": f"{call.shapes.base}/commits/{sha}/status",
    }
    return Answer(200, body, links)


@route("GET", f"{COMMIT}/statuses", STATUSES)
def list_statuses(call: Call) -> Answer:
    sha = call.repository.commit(call.parts["ref"])
    shown, links = call.page(call.repository.statuses.get(sha, [])[::-1])
    return Answer(200, [call.shapes.status(sha, status) for status in shown], links)


@route("GET", f"{COMMIT}/check-runs", "checks:read")
def list_check_runs(call: Call) -> Answer:
    sha = call.repository.commit(call.parts["ref"])
    runs: Sequence[CheckRun] = [run for run in call.repository.check_runs if run.sha == sha]
    if call.request.query.get("filter", "latest") == "latest":
        runs = call.repository.checks(sha)
    runs = [run for run in runs if call.request.query.get("check_name", run.name) == run.name]
    shown, links = call.page(runs)
    told = [call.shapes.check_run(run, call.access.app_by_id(run.app)) for run in shown]
    return Answer(200, {"total_count": len(runs), "check_runs": told}, links)


@route("POST", f"{PLAIN}/check-runs", "checks:write")
def create_check_run(call: Call) -> Answer:
    token, sha = call.token, call.repository.bare.resolve(call.given("head_sha"))
    if token is None or token.app is None:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {call.given('head_sha')}")
    run = _new_check_run(call, sha, token.app)
    call.repository.check_runs.append(run)
    call.repository.tell("check_run", action="created", sha=sha, sender=call.actor)
    return Answer(201, call.shapes.check_run(run, call.access.app_by_id(token.app)))


def _new_check_run(call: Call, sha: str, app: int) -> CheckRun:
    now, output = call.repository.now(), call.given("output", {})
    conclusion = call.given("conclusion")
    is_done = conclusion is not None or call.given("status") == "completed"
    return CheckRun(
        call.repository.next_id(),
        sha,
        call.given("name"),
        "completed" if is_done else call.given("status", "queued"),
        conclusion,
        call.given("details_url"),
        output.get("title"),
        output.get("summary"),
        _time(call.given("started_at")) or now,
        (_time(call.given("completed_at")) or now) if is_done else None,
        app,
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _ref(call: Call) -> tuple[str, str]:
    name = f"refs/{call.parts['ref']}"
    if name not in call.repository.tips:
        raise not_found()
    return name, call.repository.tips[name]


def _refuse_protected(call: Call, name: str) -> None:
    if name.removeprefix("refs/heads/") in call.repository.settings.protection:
        raise Refusal(422, "Cannot update this protected ref.")
