"""Brings a virtual environment to the pinned requirements, and installs this project into it in editable form.

    make_venv.py FOLDER REQUIREMENTS...

What is installed is remembered by checksum in the folder itself, so that a second run has nothing to do.
Uses nothing but the standard library, since it runs before anything is installed, and no syntax that
an old Python cannot read, since it is what tells that the Python is too old.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent

if sys.version_info < OLDEST:
    sys.exit(
        f"error: the updater needs Python 3.11 or newer, and this is {sys.version.split()[0]} ({sys.executable})\n"
        "hint: name another one, as in `make setup PYTHON=python3.12`"
    )


def say(name: str, text: str) -> None:
    print(f"  {name:<16} {text}", flush=True)  # noqa: T201


def create(folder: Path) -> None:
    """An empty virtual environment in the place of whatever was in `folder`."""
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError as error:
        sys.exit(f"error: {sys.executable} has no {error.name}\nhint: on Debian or Ubuntu: apt install python3-venv")
    say("venv", f"{folder.name} with Python {sys.version.split()[0]}")
    venv.create(folder, clear=True, with_pip=True, symlinks=True)
    (folder / ".gitignore").write_text("*\n")


def checksum(*paths: Path) -> str:
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def wanted(requirements: list[str]) -> dict[str, str]:
    """What has to be installed: name to checksum. The project itself changes with its metadata only."""
    steps = {name: checksum(ROOT / name) for name in requirements}
    steps["project"] = checksum(ROOT / "pyproject.toml", ROOT / "updater" / "__init__.py")
    return steps


def pip(folder: Path, *arguments: str) -> None:
    install = ["-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"]
    if subprocess.run([folder / "bin" / "python", *install, *arguments], cwd=ROOT).returncode != 0:
        sys.exit(f"error: could not install {arguments[-1]} into {folder.name}; the reason is above")


def install(folder: Path, step: str) -> None:
    if step == "project":
        pip(folder, "--no-build-isolation", "--no-deps", "--editable", ".")
    else:
        say("packages", step)
        # What is locked is complete, and pip takes an extra of a pinned package for another package.
        pip(folder, "--require-hashes", "--no-deps", "--requirement", step)


def main(name: str, *requirements: str) -> None:
    folder = ROOT / name
    stamp = folder / "installed.json"
    done = json.loads(stamp.read_text()) if stamp.is_file() else {}
    base = f"{sys.version} in {folder}"  # scripts in a virtual environment name its place
    if done.get("base") != base:
        create(folder)
        done = {"base": base}
    for step, now in wanted(list(requirements)).items():
        if done.get(step) != now:
            install(folder, step)
            done[step] = now
            stamp.write_text(json.dumps(done))


if __name__ == "__main__":
    main(*sys.argv[1:])
