"""Other programs: an argument list, a clean environment, a time limit, and nothing left running."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_GRACE = 1.0
_running: set[subprocess.Popen[bytes]] = set()
"""The programs that are being waited for, of all threads."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended; `code` is negative after a signal, None when the time was up."""

    code: int | None
    stdout: bytes
    stderr: bytes

    def message(self, limit: int = 4000) -> str:
        """What it wrote to standard error, as printable text; of a long one the last `limit` characters."""
        text = self.stderr.decode(errors="replace").strip()
        text = "".join(character for character in text if character.isprintable() or character in "\n\t")
        return text if len(text) <= limit else "…" + text[1 - limit :]


def run(
    arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], seconds: float, stdin: bytes = b""
) -> Finished:
    """Runs a program to its end, or kills it and everything it started when `seconds` are over.

    Raises FileNotFoundError if there is no such program.
    """
    process = subprocess.Popen(
        arguments,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    _running.add(process)
    try:
        stdout, stderr = process.communicate(stdin, timeout=seconds)
        return Finished(process.returncode, stdout, stderr)
    except subprocess.TimeoutExpired:
        kill(process)
        return Finished(None, *_rest(process))
    except BaseException:
        kill(process)
        _rest(process)
        raise
    finally:
        _running.discard(process)


def kill_all() -> None:
    """Kills every program that is being waited for; whoever waits hears that it failed. For the end of a service."""
    for process in tuple(_running):
        kill(process)


def start_beside(
    arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], keeping: Sequence[int] = ()
) -> None:
    """Starts a program with low priority and leaves it to itself; it goes on when this process ends.

    It keeps the descriptors in `keeping` open until it ends.
    """
    # The shell gives it to the system at once, so that nobody has to wait for it here.
    command = ("sh", "-c", 'nice "$@" > /dev/null 2>&1 &', "sh", *arguments)
    subprocess.run(command, cwd=folder, env=dict(environment), pass_fds=keeping, start_new_session=True, check=False)


def _rest(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """What a killed program had written. A child that left its session may hold the pipes, and is not waited for."""
    try:
        return process.communicate(timeout=_GRACE)
    except subprocess.TimeoutExpired as error:
        for pipe in filter(None, (process.stdout, process.stderr)):
            pipe.close()
        process.wait()
        return error.stdout or b"", error.stderr or b""


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kills a process that was started in a session of its own, with all its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
