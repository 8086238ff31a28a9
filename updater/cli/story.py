"""The steps of `updater demo`: what senders and people do on the scratch repository, and what comes of it."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from updater import pipeline
from updater.adapters import sample
from updater.forge import Connection
from updater.forges.local import connect
from updater.model import Delivery, Identity
from updater.pipeline import Parts, Report
from updater.proposing.upkeep import Kept

_MODELS = "us-docker.pkg.dev/acme/models"
_WEB = "us-docker.pkg.dev/acme/web"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays: the parts that work on a bare repository, and the time at which it begins."""

    parts: Parts
    bare: Path
    now: datetime

    def push(self, *deliveries: Delivery) -> Report:
        """Senders deliver; commits come of it."""
        return pipeline.handle(self.parts, deliveries)

    def reconcile(self) -> Report:
        """One pass over the promotions."""
        return pipeline.reconcile(self.parts)

    def delivery(self, source: str, payload: Any) -> Delivery:
        """What a sender delivers."""
        return Delivery(source, json.dumps(payload).encode(), self.now)

    def release(self, tag: str, minutes: int) -> Delivery:
        """Artifact Registry tells that model-a was pushed, some minutes before the story begins."""
        pushed = _pubsub(_pushed("model-a", tag), f"7{minutes:03}", self.now - timedelta(minutes=minutes))
        return self.delivery("artifact-registry", pushed)


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the story: what happens, what it means, and how it is played."""

    title: str
    meaning: str
    play: Callable[[Stage], Report]


def story() -> tuple[Step, ...]:
    """The story, in its order."""
    return (
        Step("model-a 1.4.0 is pushed", "Tag and digest change in test, and not one byte more.", _first),
        Step(
            "A build and a script push three images at once",
            "One push, a commit for each service. 0.10.0 is newer than 0.9.0; model-b gets its first digest.",
            _three,
        ),
        Step("The first event comes again, and an older one late", "Nothing changes.", _again),
        Step(
            "What runs in test is proposed to staging",
            "A pull request for each service, with the rendered diff. Nothing reaches staging by itself.",
            Stage.reconcile,
        ),
        Step(
            "model-a 1.5.0 is pushed before anybody has approved",
            "It lands in test, and moves the open pull request in place.",
            _newer,
        ),
        Step("Somebody merges it", "The merge is the approval: 1.5.0 stands in staging.", _approved),
        Step(
            "It is too slow in staging: somebody reverts the merge",
            "A revert sticks: 1.5.0 still runs in test, and is not proposed to staging again.",
            _reverted,
        ),
        Step("model-a 1.5.1 is pushed", "What is newer than the reverted version is proposed again.", _mended),
        Step("Somebody sends a tag that is none", "It never gets near a file.", _hostile),
    )


def _first(stage: Stage) -> Report:
    return stage.push(stage.release("1.4.0", 120))


def _three(stage: Stage) -> Report:
    build = stage.delivery("cloud-build", _build(stage.now - timedelta(hours=1)))
    plain = {"image": f"{_MODELS}/model-b:0.10.0", "digest": _digest("model-b:0.10.0")}
    return stage.push(build, stage.delivery("generic", plain))


def _again(stage: Stage) -> Report:
    return stage.push(stage.release("1.4.0", 120), stage.release("1.3.9", 180))


def _newer(stage: Stage) -> Report:
    return _both(stage.push(stage.release("1.5.0", 30)), _about_model_a(stage.reconcile()))


def _approved(stage: Stage) -> Report:
    clock = stage.parts.sight.clock
    forge = connect(Connection(str(stage.bare), Identity("alice", "alice@example.org"), {}, clock.now, time.sleep))
    pull = next(each for each in forge.opened() if each.head.endswith("/model-a"))
    forge.merge(pull.number, pull.commit, "merge")
    merged = next(each for each in forge.settled([pull.head]) if each.number == pull.number)
    return Report(pulls=(Kept(merged, f"by {merged.closed_by}"),))


def _reverted(stage: Stage) -> Report:
    sample.revert(stage.bare)
    return _about_model_a(stage.reconcile())


def _mended(stage: Stage) -> Report:
    return _both(stage.push(stage.release("1.5.1", 10)), _about_model_a(stage.reconcile()))


def _hostile(stage: Stage) -> Report:
    payload = {"image": f"{_MODELS}/model-a", "tag": '9.9.9"\n  newName: evil.example/x'}
    return stage.push(stage.delivery("generic", payload))


def _both(one: Report, other: Report) -> Report:
    decisions = (*one.decisions, *other.decisions)
    return replace(other, decisions=decisions, commits=(*one.commits, *other.commits))


def _about_model_a(report: Report) -> Report:
    """The report, without what is as it was."""
    decisions = [each for each in report.decisions if each.target is not None and each.target.service == "model-a"]
    pulls = [each for each in report.pulls if each.pull.head.endswith("/model-a")]
    return replace(report, decisions=tuple(decisions), pulls=tuple(pulls))


def _pushed(name: str, tag: str) -> dict[str, str]:
    image = f"{_MODELS}/{name}"
    return {"action": "INSERT", "digest": f"{image}@{_digest(f'{name}:{tag}')}", "tag": f"{image}:{tag}"}


def _pubsub(payload: dict[str, str], message_id: str, time: datetime) -> dict[str, Any]:
    data = base64.b64encode(json.dumps(payload).encode()).decode()
    return {"message": {"data": data, "messageId": message_id, "publishTime": time.isoformat()}, "subscription": "demo"}


def _build(time: datetime) -> dict[str, Any]:
    names = {name: f"{_WEB}/{name}:main-20261122-5e0c1d7" for name in ("ctwoc-frontend", "ctwoc-auth")}
    images = [{"name": image, "digest": _digest(image)} for image in names.values()]
    return {"id": "b-81", "status": "SUCCESS", "finishTime": time.isoformat(), "results": {"images": images}}


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
