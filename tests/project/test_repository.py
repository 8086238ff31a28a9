"""What has to hold for the files of the project as a whole."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]

# In two halves, so that this file does not name them either.
REGISTRIES = tuple(
    "".join(halves)
    for halves in (("index-", "url"), ("find-", "links"), ("pypi", ".org"), ("python", "hosted"), ("npm", "js."))
)
MACHINE_PATHS = re.compile(rb"(?<![\w.$}/-])/(?:root|Users)/|(?<![\w.$}/-])/home/(?!updater\b)|/tmp/\w")
TEXTS = (".py", ".md", ".toml", ".yaml", ".yml", ".in", ".txt", ".cfg", ".sh")


@cache
def tracked() -> dict[str, bytes]:
    """The files of the project, by name: those in git, and those that would be with the next `git add`."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if names.returncode != 0:
        pytest.skip("not a git repository")
    paths = [name.decode() for name in names.stdout.split(b"\0") if name]
    return {path: (ROOT / path).read_bytes() for path in paths if (ROOT / path).is_file()}


def pyproject() -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def make_targets() -> set[str]:
    """The targets that `make help` lists."""
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_no_file_names_a_package_registry() -> None:
    found = {
        f"{path}: {word}"
        for path, content in tracked().items()
        for word in REGISTRIES
        if word.encode() in content.lower()
    }
    assert found == set()


def test_pinned_requirements_have_hashes_and_no_address() -> None:
    locked = {path: content.decode() for path, content in tracked().items() if re.match(r"requirements/.*\.txt$", path)}
    assert {Path(path).stem for path in locked} == {"build", "dev", "lowest", "runtime"}
    for text in locked.values():
        assert "://" not in text
        pins = re.findall(r"^([\w.-]+==\S+)(.*(?:\n    --hash=.*)*)", text, re.MULTILINE)
        assert len(pins) > 0
        assert all("--hash=sha256:" in rest for _, rest in pins)


def test_runtime_and_build_requirements_are_pinned_as_for_development() -> None:
    """`make demo` and `make setup` share one virtual environment, in any order."""

    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[\w.-]+==[\w.]+", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE))

    assert pins("runtime") | pins("build") <= pins("dev")


def test_every_dependency_is_pinned_at_its_lower_bound_in_the_lowest_set() -> None:
    lowest = (ROOT / "requirements/lowest.txt").read_text()
    for dependency in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]:
        name, bound = re.split(r"(?:\[.*\])?>=", dependency)
        pinned = re.search(rf"^{re.sub('[._-]+', '[._-]', name)}==(\S+)", lowest, re.MULTILINE | re.IGNORECASE)
        assert pinned is not None, name
        assert re.fullmatch(rf"{re.escape(bound)}(\.0)*", pinned[1]), f"{name}: {pinned[1]} is not {bound}"


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    found = {
        f"{path}: {match[0].decode()}"
        for path, content in tracked().items()
        if path != Path(__file__).relative_to(ROOT).as_posix()
        for match in MACHINE_PATHS.finditer(content)
    }
    assert found == set()


def test_lines_end_with_lf_except_in_fixtures() -> None:
    assert [
        path for path, content in tracked().items() if b"\r\n" in content and not path.startswith("tests/fixtures/")
    ] == []


def test_text_files_end_with_a_line_end_and_have_no_trailing_blanks() -> None:
    texts = {
        path: content
        for path, content in tracked().items()
        if path.endswith(TEXTS) and not path.startswith("tests/fixtures/")
    }
    assert [path for path, content in texts.items() if content and not content.endswith(b"\n")] == []
    assert [path for path, content in texts.items() if re.search(rb"[ \t]$", content, re.MULTILINE)] == []


def test_every_target_of_make_help_is_described_for_contributors() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    assert {target for target in make_targets() if f"`make {target}`" not in contributing} == set()


def test_contributors_are_told_of_no_target_that_is_not_there() -> None:
    named = re.findall(r"`make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text())
    assert set(named) <= make_targets()


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text()


def test_every_decoder_is_registered_and_every_registered_decoder_is_there() -> None:
    registered = pyproject()["project"]["entry-points"]["updater.decoders"]
    modules = {path.stem for path in (ROOT / "updater/decoders").glob("*.py")} - {"__init__", "envelopes"}
    assert {target.partition(":")[0].removeprefix("updater.decoders.") for target in registered.values()} == modules
    assert {name.replace("-", "_") for name in registered} >= modules
    assert all(target.endswith(":decode") for target in registered.values())


def test_every_file_that_the_image_is_made_of_is_there_and_let_through() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    sources = [source for copy in copies for source in copy.split()]
    assert "requirements/runtime.txt" in sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    let_through = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert [s for s in sources if not any(Path(s).match(p) or p.startswith(f"{s}/") for p in let_through)] == []


def test_shipped_sample_and_project_files_are_where_the_package_takes_them_from() -> None:
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    named = [*targets["wheel"]["force-include"], *targets["sdist"]["include"]]
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("path", [".github/workflows/ci.yaml", ".pre-commit-config.yaml", ".github/dependabot.yml"])
def test_settings_for_other_tools_can_be_read(path: str) -> None:
    assert YAML(typ="safe").load(ROOT / path)


def test_the_workflow_may_only_read_and_tries_every_supported_python() -> None:
    workflow = YAML(typ="safe").load(ROOT / ".github/workflows/ci.yaml")
    assert workflow["permissions"] == {"contents": "read"}
    classifiers = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == classifiers


def test_every_issue_form_asks_for_something() -> None:
    forms = [path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yaml")]
    assert {path.stem for path in forms} == {"bug", "feature", "question"}
    for path in forms:
        form = YAML(typ="safe").load(path)
        assert {"name", "description", "body"} <= form.keys()
        ids = [item["id"] for item in form["body"] if item["type"] != "markdown"]
        assert len(ids) == len(set(ids)) > 0


def test_hooks_before_a_commit_run_programs_of_the_set_up() -> None:
    config = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {hook["id"] for hook in hooks} == {"ruff", "ruff-format", "mypy", "lint-imports", "updater-check"}
    assert all(hook["language"] == "system" and hook["entry"].startswith(".venv/bin/") for hook in hooks)
