"""What GitHub refuses of a push, as hooks of the bare repository: protected branches, and too many refs at once."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import gitops
from tests.helpers.github.model import Settings

_UPDATE = """[ -n "$REMOTE_USER" ] || exit 0
grep -qxF -- "$1" protected-refs || exit 0
echo "error: GH006: Protected branch update failed for $1." >&2
echo "error: Changes must be made through a pull request." >&2
exit 1"""
_PRE_RECEIVE = """[ -n "$REMOTE_USER" ] && [ -s most-refs ] || exit 0
[ "$(wc -l)" -gt "$(cat most-refs)" ] || exit 0
echo "error: Pushes can not update more than $(cat most-refs) branches or tags." >&2
exit 1"""


def install(bare: Path) -> None:
    """Lets a repository refuse pushes over HTTP, and all that touch the refs of pull requests."""
    gitops.hook(bare, "update", _UPDATE)
    gitops.hook(bare, "pre-receive", _PRE_RECEIVE)
    gitops.git(bare, "config", "receive.hideRefs", "refs/pull")
    write(bare, Settings())


def write(bare: Path, settings: Settings) -> None:
    """Tells the hooks what the settings are now."""
    (bare / "protected-refs").write_text("".join(f"refs/heads/{name}\n" for name in settings.protection))
    (bare / "most-refs").write_text("" if settings.most_refs is None else str(settings.most_refs))
