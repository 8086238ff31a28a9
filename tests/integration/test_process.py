"""Other programs: what they are given, how they end, and what is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.patience import eventually, gate
from tests.helpers.processes import end_with
from updater.adapters import process


def test_a_program_gives_back_its_output_and_how_it_ended(tmp_path: Path) -> None:
    script = "cat; echo complaint >&2; pwd; exit 3"
    finished = process.run(("sh", "-c", script), folder=tmp_path, environment={}, seconds=30, stdin=b"in\n")
    assert finished == process.Finished(3, f"in\n{tmp_path}\n".encode(), b"complaint\n")
    assert finished.message() == "complaint"


def test_of_a_long_complaint_the_end_is_kept() -> None:
    assert process.Finished(1, b"", b"x" * 3000 + b"end\n").message(10) == "…xxxxxxend"


def test_a_complaint_cannot_steer_a_terminal() -> None:
    assert process.Finished(1, b"", b"\x1b[31mred\x07\xff\nnext").message() == "[31mred\ufffd\nnext"


def test_a_program_sees_exactly_the_environment_it_is_given(tmp_path: Path) -> None:
    finished = process.run(("/usr/bin/env",), folder=tmp_path, environment={"ONE": "1"}, seconds=30)
    assert finished.stdout == b"ONE=1\n"


def test_when_time_is_up_the_program_and_its_children_are_killed(tmp_path: Path) -> None:
    script = "echo begun; sleep 600 & sleep 600"
    environment = {"PATH": os.environ["PATH"], "MARK": str(tmp_path)}
    finished = process.run(("sh", "-c", script), folder=tmp_path, environment=environment, seconds=2)
    assert finished.code is None
    assert finished.stdout == b"begun\n"
    assert end_with("MARK", str(tmp_path))


@pytest.mark.slow
def test_a_child_that_left_the_session_is_not_waited_for(tmp_path: Path) -> None:
    script = "echo begun; setsid sh -c 'echo $$ >pid; echo ready; exec sleep 600' & sleep 600"
    try:
        finished = process.run(("sh", "-c", script), folder=tmp_path, environment=dict(os.environ), seconds=2)
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert finished.code is None
    assert finished.stdout == b"begun\nready\n"


def test_an_interruption_kills_the_program_as_well(tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    environment = {"PATH": os.environ["PATH"], "MARK": str(tmp_path)}
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            process.run(("sh", "-c", "sleep 600 & sleep 600"), folder=tmp_path, environment=environment, seconds=600)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert end_with("MARK", str(tmp_path))


def test_killing_what_has_ended_is_harmless() -> None:
    ended = subprocess.Popen(("true",), start_new_session=True)
    ended.wait()
    process.kill(ended)
    assert ended.returncode == 0


def test_an_unknown_program_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        process.run(("no-such-program",), folder=tmp_path, environment={}, seconds=30)


@pytest.fixture
def release(tmp_path: Path) -> Iterator[Callable[[], object]]:
    """Lets go who waits at the `gate`."""
    with gate(tmp_path / "gate") as release_:
        yield release_


def environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **more}


def is_written(file: Path, content: str) -> bool:
    return file.exists() and file.read_text() == content


def test_what_is_started_beside_is_not_waited_for(tmp_path: Path, release: Callable[[], object]) -> None:
    script = "read line <gate; echo $line >told"
    process.start_beside(("sh", "-c", script), folder=tmp_path, environment=environment())
    assert not (tmp_path / "told").exists()
    release()
    assert eventually(lambda: is_written(tmp_path / "told", "go on\n"))


def test_what_is_started_beside_goes_on_when_its_starter_has_ended(
    tmp_path: Path, release: Callable[[], object]
) -> None:
    script = "read line <gate; echo $line >told"
    start = f"from updater.adapters.process import start_beside; from pathlib import Path; import os; start_beside(\
('sh', '-c', {script!r}), folder=Path({str(tmp_path)!r}), environment=dict(os.environ))"
    subprocess.run([sys.executable, "-c", start], check=True, timeout=60, start_new_session=True)
    assert not (tmp_path / "told").exists()
    release()
    assert eventually(lambda: is_written(tmp_path / "told", "go on\n"))


def test_what_is_started_beside_has_low_priority_and_exactly_its_environment(tmp_path: Path) -> None:
    script = "nice >nice; env >seen; pwd >where; mv where ready"
    process.start_beside(("sh", "-c", script), folder=tmp_path, environment=environment(ONE="1 $HOME"))
    assert eventually((tmp_path / "ready").exists)
    assert int((tmp_path / "nice").read_text()) > os.nice(0)
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines())
    assert seen.keys() - {"_", "SHLVL", "OLDPWD", "PWD"} == {"PATH", "ONE"}
    assert seen["ONE"] == "1 $HOME"
    assert (tmp_path / "ready").read_text() == f"{tmp_path}\n"


def test_arguments_of_what_is_started_beside_are_no_shell_code(tmp_path: Path) -> None:
    odd = "$(touch hacked); a 'b' \"c\" *"
    process.start_beside(("sh", "-c", 'printf %s "$1" >told', "sh", odd), folder=tmp_path, environment=environment())
    assert eventually(lambda: is_written(tmp_path / "told", odd))
    assert not (tmp_path / "hacked").exists()


def test_what_is_started_beside_says_nothing_and_its_failure_is_nobodys(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    process.start_beside(("no-such-program",), folder=tmp_path, environment=environment())
    script = "echo out; echo error >&2; touch ended; exit 3"
    process.start_beside(("sh", "-c", script), folder=tmp_path, environment=environment())
    assert eventually((tmp_path / "ended").exists)
    assert capfd.readouterr() == ("", "")


def test_nothing_of_what_was_started_beside_is_left_for_us_to_bury(tmp_path: Path) -> None:
    """In a process of its own, since tests may have other children."""
    script = (
        "import os; from pathlib import Path; from updater.adapters.process import start_beside\n"
        "start_beside(('touch', 'ended'), folder=Path.cwd(), environment=dict(os.environ))\n"
        "try: os.waitpid(-1, 0)\n"
        "except ChildProcessError: print('no child')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "no child\n"
    assert eventually((tmp_path / "ended").exists)
