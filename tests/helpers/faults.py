"""Faults in a running service, without a hook in the product: it is killed at a step of its path, its clock jumps.

The processes are forked from one that has imported everything already: a start costs a moment, not a second. They
are in more of a hurry than others (`HASTE`): forges and registries are not left in peace for seconds.
"""

from __future__ import annotations

import inspect
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.helpers.service import Launch, Process

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["updater.service.serving", "updater.adapters.pubsub", "updater.registries", "updater.cli.main", __name__]
)


@dataclass(frozen=True)
class Step:
    """A call of a function that belongs to the product: it is one if `is_it`, given arguments and result."""

    function: str
    is_it: Callable[[tuple[Any, ...], Any], bool] = lambda *_: True


def _moves(prefix: str) -> Callable[[tuple[Any, ...], Any], bool]:
    """Whether a push is about refs that begin so."""
    return lambda arguments, _: any(update.branch.startswith(prefix) for update in arguments[1])


PUSH = "updater.adapters.mirror:Mirror.push"
STEPS: Mapping[str, Step] = {
    "the write into the inbox": Step("updater.adapters.inbox_changes:put"),
    "the inbox's commit": Step("updater.adapters.inbox:Inbox.accept"),
    "the answer": Step("starlette.responses:Response.__call__", lambda arguments, _: arguments[0].status_code == 202),
    "taking": Step("updater.adapters.inbox:Inbox.take", lambda _, result: bool(result)),
    "planning": Step("updater.pipeline:make_plan", lambda arguments, _: bool(arguments[1])),
    "building": Step("updater.adapters.mirror:Mirror.build"),
    "the push": Step(PUSH, _moves("main")),
    "starting git push": Step("subprocess:Popen.__init__", lambda arguments, _: "push" in arguments[1]),
    "keeping what waits": Step(PUSH, _moves("refs/updater/waiting/")),
    "keeping what looks found": Step(PUSH, _moves("refs/updater/looks/")),
    "settling": Step("updater.adapters.inbox:Inbox.settle"),
    "the push of a pull request": Step(PUSH, _moves("updater/staging/")),
    "opening a pull request": Step("updater.forges.local.forge:LocalForge.open"),
}


def killed(when: str, step: str) -> Launch:
    """Starts a service that is killed right `before` or `after` it comes to a step for the first time."""
    return partial(_launch, partial(_die, when, step))


def undisturbed() -> Launch:
    """Starts a service with which nothing is wrong."""
    return partial(_launch, _nothing)


def with_clock(file: Path) -> Launch:
    """Starts a service whose clock is wrong by the seconds that stand in a file at that moment."""
    return partial(_launch, partial(_shift, file))


class _Forked:
    """A `Process`."""

    def __init__(self, process: multiprocessing.process.BaseProcess) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        assert code is not None, "it has not ended in time"
        return code


def _launch(prepare: Callable[[], None], environment: Mapping[str, str], log: Path) -> Process:
    process = _context.Process(target=_run, args=(prepare, dict(environment), log))
    process.start()
    return _Forked(process)


def _run(prepare: Callable[[], None], environment: Mapping[str, str], log: Path) -> None:
    """The life of the process."""
    from updater.cli.main import run

    os.environ.clear()
    os.environ.update(environment)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    _hurry()
    prepare()
    sys.exit(run(["serve"]))


HASTE: Mapping[str, object] = {
    "updater.working.passes:GAP": timedelta(milliseconds=100),
    "updater.registries.together:REUSED": 0.1,
}
"""How long is waited where a whole number of seconds is right for others."""


def _hurry() -> None:
    for name, value in HASTE.items():
        setattr(*_found(name), value)


def _nothing() -> None:
    """Nothing is wrong."""


def _die(when: str, name: str) -> None:
    step = STEPS[name]

    def check(is_now: str, arguments: tuple[Any, ...], result: Any) -> None:
        if is_now == when and step.is_it(arguments, result):
            os.kill(os.getpid(), signal.SIGKILL)

    owner, function = _found(step.function)
    setattr(owner, function, _watched(getattr(owner, function), check))


def _watched(function: Callable[..., Any], check: Callable[[str, tuple[Any, ...], Any], None]) -> Callable[..., Any]:
    """The function, with `check` before and after it."""

    @wraps(function)
    async def waiting(*arguments: Any, **named: Any) -> Any:
        check("before", arguments, None)
        result = await function(*arguments, **named)
        check("after", arguments, result)
        return result

    @wraps(function)
    def plain(*arguments: Any, **named: Any) -> Any:
        check("before", arguments, None)
        result = function(*arguments, **named)
        check("after", arguments, result)
        return result

    return waiting if inspect.iscoroutinefunction(function) else plain


def _found(name: str) -> tuple[Any, str]:
    """Where a function is kept, and its name there."""
    module, _, path = name.partition(":")
    owner: Any = import_module(module)
    *holders, last = path.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    return owner, last


def _shift(file: Path) -> None:
    def now(_: object) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(file.read_text()))

    owner, function = _found("updater.adapters.clock:SystemClock.now")
    setattr(owner, function, now)
