"""A process that handles events one by one, and prints the most memory that it has held, in MB."""

from __future__ import annotations

import os
import re
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

from updater import bootstrap, pipeline, settings
from updater.model import Delivery


def main() -> None:
    """Reads payloads of the source `generic` from standard input, one a line; `UPDATER_*` name the rest."""
    with bootstrap.opened(settings.read(os.environ)) as shop:
        for line in sys.stdin.buffer:
            report = pipeline.handle(shop.parts, [Delivery("generic", line, datetime.now(UTC))])
            if report.exit_code or not report.commits:
                sys.exit(f"not committed: {report}")
    sys.stdout.write(f"{peak():.1f}\n")


def peak() -> float:
    """The most memory that this process has held, in MB."""
    # What getrusage tells may be the parent's: it is kept across fork and exec.
    status = Path("/proc/self/status")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE) if status.is_file() else None
    kilobytes = int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / 1024


if __name__ == "__main__":
    main()
