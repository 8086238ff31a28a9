"""`updater demo`: the whole story on a scratch repository."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from updater.cli.options import Common, common

if TYPE_CHECKING:
    from updater.model import Delivery
    from updater.pipeline import Parts, Report

_MODELS = "us-docker.pkg.dev/acme/models"
_WEB = "us-docker.pkg.dev/acme/web"


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the story: what happens, what it means, and the deliveries that it consists of.

    Before them the service `back`, if there is one, is rolled back.
    """

    title: str
    meaning: str
    deliveries: tuple[Delivery, ...]
    back: str | None = None


@click.command()
@common
def demo(common: Common) -> None:
    """Tell the whole story on a scratch repository.

    It is made from the sample: events in, commits out, told step by step with the real diffs. Needs no network,
    writes only below the temporary folder, and leaves nothing behind.
    """
    from updater import bootstrap, settings
    from updater.adapters import sample
    from updater.adapters.clock import SystemClock
    from updater.cli import output

    now = SystemClock().now()
    told = []
    with tempfile.TemporaryDirectory(prefix="updater-demo-") as scratch:
        bare = sample.make(Path(scratch), now - timedelta(days=1), _additions(common))
        chosen = replace(settings.read(os.environ), repository=str(bare), state=Path(scratch) / "state")
        _say(common, "A scratch repository from the sample", "Its environment `test` follows the registry.")
        with bootstrap.opened(chosen) as workshop:
            for step in story(now):
                report = _play(workshop.parts, step)
                told.append({"step": step.title, **output.report_json(report)})
                _say(common, step.title, step.meaning)
                _show(common, report, bare)
        _say(common, "The remote's history", "`git revert` of any commit takes back that one service.")
        if common.json:
            output.as_json({"steps": told})
        else:
            click.echo(sample.log(bare))


def story(now: datetime) -> tuple[Step, ...]:
    """The steps of the demo, as events that were sent in the last hours before `now`."""
    from updater.model import Delivery

    def delivery(source: str, payload: Any) -> Delivery:
        return Delivery(source, json.dumps(payload).encode(), now)

    release = delivery("artifact-registry", _pubsub(_pushed("model-a", "1.4.0"), "7001", now - timedelta(hours=2)))
    late = delivery("artifact-registry", _pubsub(_pushed("model-a", "1.3.9"), "6999", now - timedelta(hours=3)))
    build = delivery("cloud-build", _build(now - timedelta(hours=1)))
    plain = delivery("generic", {"image": f"{_MODELS}/model-b:0.10.0", "digest": _digest("model-b:0.10.0")})
    hostile = delivery("generic", {"image": f"{_MODELS}/model-a", "tag": '9.9.9"\n  newName: evil.example/x'})
    return (
        Step("model-a 1.4.0 is pushed", "Tag and digest change, and not one byte more.", (release,)),
        Step(
            "A build and a script push three images at once",
            "One push, a commit for each service. 0.10.0 is newer than 0.9.0; model-b gets its first digest.",
            (build, plain),
        ),
        Step("The first event comes again, and an older one late", "Nothing changes.", (release, late)),
        Step(
            "Somebody takes model-a back, and the event comes once more",
            "A revert sticks: 1.4.0 is held until somebody brings it in again, or something newer is pushed.",
            (release,),
            back="model-a",
        ),
        Step("Somebody sends a tag that is none", "It never gets near a file.", (hostile,)),
    )


def _play(parts: Parts, step: Step) -> Report:
    """What comes of a step."""
    from updater import pipeline
    from updater.by_hand.rollback import Wish, make_rollback

    if step.back is None:
        return pipeline.handle(parts, step.deliveries)
    wish = Wish("test", (step.back,), reason="it answers too slowly")
    back = pipeline.perform(parts, lambda: make_rollback(parts.sight, wish))
    again = pipeline.handle(parts, step.deliveries)
    return replace(again, decisions=(*back.decisions, *again.decisions), commits=(*back.commits, *again.commits))


def _additions(common: Common) -> dict[str, str]:
    """Without a kustomize the sample asks for `verify: parse`."""
    from updater.adapters import kustomize
    from updater.errors import UpdaterError

    try:
        version = kustomize.find(os.environ).version
    except UpdaterError as error:
        _say(common, "Rendering", f"{error}: overlays are parsed only (`verify: parse`).")
        return {"environments/test.yaml": "\nverify: parse\n"}
    _say(common, "Rendering", f"Each new shape of an overlay is proved by rendering it ({version.split()[0]}).")
    return {}


def _say(common: Common, title: str, meaning: str) -> None:
    if not common.json:
        click.secho(f"\n▸ {title}", bold=True)
        click.echo(f"  {meaning}")


def _show(common: Common, report: Report, bare: Path) -> None:
    from updater.adapters import sample
    from updater.cli import output

    if common.json:
        return
    click.echo()
    output.report_text(replace(report, commits=()))
    for commit in report.commits:
        click.echo()
        output.diff(sample.show(bare, commit.sha))
    for problem in report.problems:
        click.secho(f"error: {problem}", fg="red")


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
