"""What users and developers rely on is written down, and nothing is written down that is not there."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import pytest

from updater import errors, settings
from updater.cli.main import updater

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MODULES = sorted(
    path for path in (ROOT / "updater").rglob("*.py") if path.parent.name != "updater" and path.stem != "__init__"
)


@pytest.mark.parametrize("module", [path for path in MODULES if path.parent.name == "core"], ids=lambda path: path.stem)
def test_every_module_of_the_core_has_its_question(module: Path) -> None:
    assert f"`{module.stem}`" in ARCHITECTURE


def test_no_module_is_named_that_is_not_there() -> None:
    table = ARCHITECTURE[ARCHITECTURE.index("| question | module |") :].partition("\n\n")[0]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[2])}
    assert named == {path.stem for path in MODULES if path.parent.name == "core"}


@pytest.mark.parametrize("source", sorted(PROJECT["project"]["entry-points"]["updater.decoders"]))
def test_every_source_is_in_the_readme(source: str) -> None:
    assert f"`{source}`" in README


@pytest.mark.parametrize("name", sorted(set(re.findall(r"UPDATER_\w+", inspect.getsource(settings)))))
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README


def test_every_setting_of_the_readme_exists() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "updater").rglob("*.py"))
    for name in set(re.findall(r"`(UPDATER_\w+)`", README)):
        assert name in sources or name.removesuffix("_FILE") in sources


def test_every_exit_code_is_in_the_readme_and_in_the_help() -> None:
    codes = {each.exit_code for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "exit_code")}
    for text in (README, updater.help or ""):
        told = {int(code) for code in re.findall(r"(?<![\d.])(\d) [a-z]", text[text.index("0 done") :])}
        assert codes | {0} == told
        assert "130 interrupted" in text


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    drawn = dict(re.findall(r"(\w+) +(\d)  ", errors.__doc__ or ""))
    assert drawn == {
        name: str(each.exit_code)
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, Exception)
    }


@pytest.mark.parametrize("name", ["check", "plan", "handle", "status", "schema"])
def test_commands_of_the_readme_exist(name: str) -> None:
    assert f"updater {name}" in README
    assert name in updater.commands
