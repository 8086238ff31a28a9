"""Google's own Pub/Sub emulator, one process for all tests of a worker, each test with a project of its own."""

from __future__ import annotations

import atexit
import re
import shutil
import socket
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.helpers import components
from tests.helpers.patience import eventually
from tests.helpers.ports import free_port

_JAR = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"
_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def emulator() -> str:
    """Its address. Skips the test where there is no Google Cloud SDK with it, or no Java: no set-up can install it."""
    java, jar = shutil.which("java"), _jar()
    components.SEEN["Pub/Sub emulator"] = str(jar) if java and jar else "missing"
    if java is None or jar is None:
        pytest.skip("no Pub/Sub emulator here: it comes only with the Google Cloud SDK, which no set-up can install")
    return _started(java, jar)


@cache
def _jar() -> Path | None:
    gcloud = shutil.which("gcloud")
    roots = [Path(gcloud).resolve().parents[1]] if gcloud else []
    roots += [Path("/usr/lib/google-cloud-sdk"), Path("/opt/google-cloud-sdk")]
    return next((jar for root in roots for jar in sorted(root.glob(_JAR), key=_version, reverse=True)), None)


def _version(jar: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", jar.name)]


@cache
def _started(java: str, jar: Path) -> str:
    port = free_port()
    command = [java, *_OPTIONS, "-jar", str(jar), "--host=127.0.0.1", f"--port={port}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(_end, process)
    assert eventually(lambda: _answers(port)), "the Pub/Sub emulator did not start"
    return f"127.0.0.1:{port}"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
