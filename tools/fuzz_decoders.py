"""Feeds the decoders with what nobody would send, guided by the code that it reaches. It is run by hand.

    pip install atheris            # beside what `make setup` installs; not every Python has it
    python tools/fuzz_decoders.py [FOLDER] -max_total_time=600

FOLDER keeps what it finds between runs; the fixtures of the tests are where it starts. The first byte of an input
chooses the source, the second a set of headers and an address, the rest is the body. It ends with the first input for
which the answer is not one that `tests/helpers/answers.py` allows, or takes five seconds, and leaves a file `crash-…`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["updater"]):
    from tests.helpers.answers import ENTRY_POINTS, FIXTURES, outcome

SOURCES = sorted(ENTRY_POINTS)
WAYS: list[tuple[dict[str, str], str]] = [
    ({}, ""),
    ({"x-goog-pubsub-message-id": "1"}, ""),
    ({"ce-type": "google.cloud.audit.log.v1.written", "ce-id": "1"}, ""),
    ({"ce-type": "Microsoft.ContainerRegistry.ImagePushed", "ce-id": "1"}, ""),
    ({"x-github-event": "package", "x-github-delivery": "1"}, ""),
    *(({"x-github-event": name}, "") for name in ("pull_request", "push", "status", "check_suite")),
    ({"x-gitea-event": "package", "x-gitea-delivery": "1"}, ""),
    ({"x-nexus-webhook-id": "rm:repository:asset"}, "?registry=registry.example:5000"),
    ({"x-amz-sns-message-type": "Notification"}, ""),
    ({}, "?registry=registry.example/team"),
    ({}, f"/repos/acme/deploy/statuses/{'ab' * 20}"),
]


def try_one(data: bytes) -> None:
    """One input, as libFuzzer makes it."""
    if len(data) > 1:
        source = SOURCES[data[0] % len(SOURCES)]
        headers, address = WAYS[data[1] % len(WAYS)]
        outcome(source, data[2:], headers, address)


def write_seeds(folder: Path) -> None:
    """The fixtures as inputs, each by every way that may reach more of its decoder."""
    for number, source in enumerate(SOURCES):
        for path in sorted((FIXTURES / source).glob("*.json")):
            if ".expected" not in path.name:
                for way in range(len(WAYS)):
                    (folder / f"{source}-{path.stem}-{way}").write_bytes(bytes([number, way]) + path.read_bytes())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as seeds:
        write_seeds(Path(seeds))
        # libFuzzer writes what it finds into the first folder, and reads the others, too.
        folders = [each for each in sys.argv[1:] if not each.startswith("-")] or [tempfile.mkdtemp()]
        options = [each for each in sys.argv[1:] if each.startswith("-")]
        atheris.Setup([sys.argv[0], "-timeout=5", "-max_len=8192", *options, *folders, seeds], try_one)
        atheris.Fuzz()
