"""`updater status`: services by environments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from updater.cli.options import Common, common
from updater.cli.telling import tell
from updater.errors import UpdaterError, UsageError

if TYPE_CHECKING:
    from updater.bootstrap import Workshop
    from updater.core.inventory import Inventory
    from updater.model import Target


@click.command()
@click.argument("services", metavar="[SERVICE...]", nargs=-1)
@click.option("--env", "environment", metavar="ENV", help="Only this environment.")
@common
def status(common: Common, services: tuple[str, ...], environment: str | None) -> None:
    """Show what stands where, and since when. SERVICE may be a glob."""
    from updater.cli import output

    with common.opened() as workshop:
        workshop.mirror.refresh()
        found = _standing(workshop, environment, services)
    targets = found.targets
    if common.json:
        output.as_json({"services": [_json(target) for target in targets]})
    else:
        _print(targets)
    for problem in found.problems:
        tell(str(problem), problem.hint)
    click.get_current_context().exit(next((problem.exit_code for problem in found.problems), 0))


def _standing(workshop: Workshop, only: str | None, services: Sequence[str]) -> Inventory:
    """The wanted entries of all environments, with how they came to stand as they do."""
    from updater.core import graph
    from updater.core.inventory import Inventory, overlays
    from updater.planning import missing_branches

    sight, mirror = workshop.parts.sight, workshop.mirror
    default = mirror.default_branch
    configuration = sight.configuration(mirror.tree(mirror.tip(default) or ""), default)
    known = {each.name: each for each in configuration.environments}
    order = graph.stages({name: each.settings for name, each in known.items()})
    wanted = [known[name] for name in order if only in (None, name)]
    if only is not None and not wanted:
        raise UsageError(f"there is no environment {only!r}", hint=f"see the folder environments/ on {default}")
    missing = missing_branches(mirror, wanted)
    problems: list[UpdaterError] = [*configuration.errors, *missing.values()]
    targets: list[Target] = []
    for environment in wanted:
        tip = mirror.tip(environment.branch)
        if tip is None:
            continue
        found = overlays(environment, mirror.tree(tip), workshop.catalog.all_paths(environment.branch, tip))
        problems += found.problems
        targets += [
            replace(target, standing=workshop.catalog.standing(target.branch, tip, target.entry))
            for target in found.targets
            if not services or any(fnmatchcase(target.service, glob) for glob in services)
        ]
    return Inventory(tuple(targets), tuple(problems))


def _print(targets: Sequence[Target]) -> None:
    """A row for each image of a service, a column for each environment."""
    from updater.cli import output

    environments = list(dict.fromkeys(target.environment for target in targets))
    cells: dict[tuple[str, str], dict[str, list[str]]] = {}
    for target in targets:
        row = (target.service, target.entry.image or target.entry.name)
        cells.setdefault(row, {}).setdefault(target.environment, []).append(_cell(target))
    rows = [
        (
            service,
            output.image_name(image),
            *(" / ".join(dict.fromkeys(found.get(name, ["-"]))) for name in environments),
        )
        for (service, image), found in sorted(cells.items())
    ]
    output.table(("SERVICE", "IMAGE", *(name.upper() for name in environments)), rows)


def _cell(target: Target) -> str:
    from updater.core.messages import short

    since = "" if target.standing is None else f" since {target.standing.landed_at:%Y-%m-%d %H:%M}Z"
    return f"{short(target.entry.version)}{since}"


def _json(target: Target) -> dict[str, Any]:
    from updater.cli.output import version_json
    from updater.core.messages import stamp

    standing = target.standing
    return {
        "environment": target.environment,
        "service": target.service,
        "overlay": target.overlay,
        "entry": target.entry.name,
        "image": target.entry.image,
        "version": version_json(target.entry.version),
        "since": None if standing is None else stamp(standing.landed_at),
        "commit": None if standing is None else standing.commit,
    }
