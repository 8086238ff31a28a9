"""Row h: what a history of tens of thousands of commits costs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime

from bench.generate import Monorepo
from bench.measure import in_turn
from bench.parts import watched
from bench.stand import Lab, stand
from bench.table import Row, below
from bench.tools import git, write_filters
from updater import bootstrap
from updater.core.kustomization import entries
from updater.model import Version
from updater.protocols import Question

_LOG = ("log", "--first-parent", "-m", "--raw", "--no-renames", "--format=%H", "main")


def walk(lab: Lab) -> Iterator[Row]:
    """Row h: the past of an entry, asked for the first time and again; with git's changed-path filters and without."""
    repository, rounds = lab.nested(lab.burst_on), lab.few(5)
    first, *services = repository.spread(4 * rounds + 1)
    paths = [repository.kustomization(number) for number in services]
    with stand(lab, repository) as place, place.shop() as shop:
        _ask(shop, repository.kustomization(first))  # brings the catalog up
        new, known = _asked(shop, repository, "filters", rounds, paths[: 2 * rounds])
        yield below(0.6, new)
        yield known
        mirror = shop.mirror.git.folder
        shutil.rmtree(mirror / "objects" / "info" / "commit-graphs")
        yield from _asked(shop, repository, "no filters", rounds, paths[2 * rounds :])
        (everything,) = in_turn(1, lambda _: git(mirror, *_LOG))
        (filters,) = in_turn(1, lambda _: write_filters(mirror))
    yield Row("h", "git log of all files, no filters", repository.title, everything)
    yield Row("h", "git writes the filters", repository.title, filters)


def _asked(
    shop: bootstrap.Workshop, repository: Monorepo, how: str, rounds: int, paths: Sequence[str]
) -> tuple[Row, Row]:
    """The first half of the files is asked about, in turn with git's own log of the others; then again."""
    with watched() as watch:
        log, new = in_turn(rounds, lambda n: _log(shop, paths[rounds + n]), lambda n: _ask(shop, paths[n]))
    with watched() as again:
        (known,) = in_turn(rounds, lambda n: _ask(shop, paths[n]))
    what = f"past of an entry, {how}:"
    return (
        Row("h", f"{what} new ({watch.started(rounds)})", repository.title, new, "git log of its file", log),
        Row("h", f"{what} known ({again.started(rounds)})", repository.title, known),
    )


def _log(shop: bootstrap.Workshop, path: str) -> None:
    git(shop.mirror.git.folder, *_LOG, "--", f":(literal){path}")


def _ask(shop: bootstrap.Workshop, path: str) -> None:
    tip = shop.mirror.tip("main")
    assert tip is not None
    (entry,) = entries(path, shop.mirror.tree(tip).read(path))
    (past,) = shop.catalog.pasts("main", tip, [Question(entry, _BySemver(), (Version("9.0.0"),))])
    assert past.standing is not None


class _BySemver:
    """The order in which the past is asked for."""

    name = "by numbers"

    def rank(self, version: Version, _pushed_at: datetime | None) -> tuple[int, ...]:
        """See `protocols.Ranking`."""
        return tuple(int(part) for part in (version.tag or "0").split("."))
