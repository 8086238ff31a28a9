"""The kustomizes that tests render with: the oldest and the newest by default, all others where time allows."""

from __future__ import annotations

import re
import shlex
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.helpers.components import require_kustomizes
from updater.adapters.kustomize import Kustomize, find


def all_kustomizes() -> Sequence[Kustomize]:
    """One for each version found here, oldest first. Skips the test where there is none."""
    found = sorted(require_kustomizes().items(), key=lambda each: [int(part) for part in re.findall(r"\d+", each[0])])
    return [find({"UPDATER_KUSTOMIZE": shlex.join(command)}) for _, command in found]


def oldest() -> Kustomize:
    return all_kustomizes()[0]


def newest() -> Kustomize:
    return all_kustomizes()[-1]


oldest_and_newest = pytest.mark.parametrize("pick", [oldest, newest], ids=["oldest", "newest"])
"""For tests that call `pick()` for their kustomize."""


class Counting:
    """A renderer that passes everything on and counts."""

    def __init__(self, renderer: Kustomize) -> None:
        self.count = 0
        self._renderer = renderer

    @property
    def version(self) -> str:
        return self._renderer.version

    def render(self, files: Mapping[str, bytes], links: Mapping[str, str], folder: str) -> bytes:
        self.count += 1
        return self._renderer.render(files, links, folder)


def script(folder: Path, body: str, name: str = "kustomize", version: str = "v5.9.9") -> str:
    """A program that answers like kustomize to `version` and runs `body` for everything else; its path."""
    path = folder / name
    told = shlex.quote(version)
    path.write_text(f'#!/bin/sh\nif [ "$1" = version ]; then echo {told}; exit; fi\n{body}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)
