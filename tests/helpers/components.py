"""The real programs that tests run. A missing one skips its tests with a reason; what was used is told at the end."""

from __future__ import annotations

import os
import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from tools.install_tools import DESCRIPTION, LINK, has_description, installable, kustomize_version

SEEN: dict[str, str] = {}
"""What tests asked for: name to path, or to "missing"."""
_LONG = "UPDATER_LONG_TESTS" in os.environ


def require(name: str) -> str:
    """Path of a program.

    Skips the test where there is none; fails it where `make setup` should have installed it (under CI=true).
    """
    path = shutil.which(name)
    SEEN[name] = path or "missing"
    if path is None:
        _give_up(name)
    return str(path)


def require_description() -> Path:
    """GitHub's description of its API, the part that the stand-in for GitHub needs."""
    SEEN[DESCRIPTION.name] = str(DESCRIPTION) if has_description() else "missing"
    if not has_description():
        _give_up(DESCRIPTION.name)
    return DESCRIPTION


def require_kustomizes() -> dict[str, tuple[str, ...]]:
    """The oldest and the newest kustomize found here: version to the command that renders the folder after it.

    With `UPDATER_LONG_TESTS` every version in between as well.
    """
    found = _kustomizes()
    SEEN.update({f"kustomize {version}": command[0] for version, command in found.items()})
    if not found:
        SEEN["kustomize"] = "missing"
        _give_up("kustomize")
    return found


def _give_up(name: str) -> None:
    if os.environ.get("CI") == "true" and installable(name):
        pytest.fail(f"no {name}, although `make setup` could have installed it")
    pytest.skip(f"no {name} here")


@cache
def _kustomizes() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for path in _candidates():
        if version := kustomize_version(str(path)):
            found.setdefault(version, (str(path), "kustomize" if "kubectl" in path.name else "build"))
    versions = sorted(found, key=lambda version: [int(part) for part in re.findall(r"\d+", version)])
    ends = dict.fromkeys((*versions[:1], *versions[-1:]))
    return {version: found[version] for version in (versions if _LONG else ends)}


def _candidates() -> list[Path]:
    """Programs that may be or contain kustomize; several kubectl may lie where the one on the PATH points to."""
    kubectl = shutil.which("kubectl")
    beside = sorted(Path(kubectl).resolve().parent.glob("kubectl.1.*")) if kubectl else []
    return [LINK, *(Path(path) for path in (shutil.which("kustomize"), kubectl) if path), *beside]
