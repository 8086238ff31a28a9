"""The command line as a person runs it, in this process or in one of its own."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from updater.cli.main import run


@dataclass(frozen=True)
class Ran:
    """Exit code, standard output and standard error of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which has to be JSON and nothing else."""
        return json.loads(self.out)

    @property
    def outcomes(self) -> list[tuple[str | None, str | None, str | None, str]]:
        """Environment, service, new tag and outcome of each decision."""
        return [
            (each["environment"], each["service"], each["to"]["tag"], each["outcome"])
            for each in self.json["decisions"]
        ]


@dataclass(frozen=True)
class CommandLine:
    """Runs commands here, with a state folder of their own."""

    state: Path
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def __call__(self, *arguments: object, stdin: bytes = b"", cwd: Path | None = None) -> Ran:
        with self.patch.context() as patch:
            patch.setenv("UPDATER_STATE_DIR", str(self.state))
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            if cwd is not None:
                patch.chdir(cwd)
            self.capture.readouterr()
            code = run([str(argument) for argument in arguments])
        told = self.capture.readouterr()
        return Ran(code, told.out, told.err)


def start(*arguments: object, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    command = [sys.executable, "-m", "updater", *(str(argument) for argument in arguments)]
    return subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Ran:
    """What a started command came to."""
    out, err = process.communicate(timeout=120)
    return Ran(process.returncode, out, err)
