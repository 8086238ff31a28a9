"""kustomize as a confined subprocess: only the files it is given, an empty environment, no way out, a time limit."""

from __future__ import annotations

import os
import posixpath
import re
import selectors
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from updater.adapters.process import kill
from updater.errors import RenderError, RendererUnavailable, UsageError

SETTING = "UPDATER_KUSTOMIZE"
OLDEST = (4, 5)
SECONDS = 30.0
MAX_OUTPUT = 64 * 1024 * 1024

_BINARY = 1024 * 1024
_MAX_MESSAGE = 600
_VERSION = re.compile(r"\bv(\d+)\.(\d+)\.\d+[\w.+-]*")
_KLOG = re.compile(r"[EF]\d{4} [\d:.]+ +\d+ \S+\] ")
"""What kubectl puts before a failure: month and day, time, process and line of its source."""
_DEAD_END = "http://127.0.0.1:0"
_MEMORY = "is there enough memory?"
_INSTALL = (
    f"install kustomize {OLDEST[0]}.{OLDEST[1]} or later (kubectl has one, too), or name it in {SETTING}; "
    "`verify: parse` in the environment's file commits without rendering"
)


Remembered: TypeAlias = Callable[[str, Callable[[], str]], str]
"""What was found out under a key before, else what is found out now."""


def find(environ: Mapping[str, str], seconds: float = SECONDS, remembered: Remembered | None = None) -> Kustomize:
    """The kustomize to use: the path or command in UPDATER_KUSTOMIZE, else `kustomize`, else `kubectl` on PATH.

    Of those on PATH the first that is recent enough. What `remembered` knows of a binary that did not change since is
    not asked again, since starting one takes longer than most events. Raises `UsageError` if the setting is no such
    command,
    `RenderError` if there is none.
    """
    setting = environ.get(SETTING)
    names = [setting] if setting else ["kustomize", "kubectl"]
    found = [_command(name, environ, seconds, remembered) for name in names]
    there = [each for each in found if each is not None]
    if setting and not there:
        raise UsageError(f"{SETTING} is {setting!r}, which is no kustomize or kubectl", hint=_INSTALL)
    if not there:
        raise RenderError("neither kustomize nor kubectl is installed", hint=_INSTALL)
    return next((each for each in there if each.is_recent()), there[0])


def _command(text: str, environ: Mapping[str, str], seconds: float, remembered: Remembered | None) -> Kustomize | None:
    words = [text] if Path(text).is_file() else shlex.split(text)
    program = shutil.which(words[0], path=environ.get("PATH", os.defpath)) if words else None
    if program is None or words[1:] not in ([], ["build"], ["kustomize"]):
        return None
    is_kubectl = words[1:] == ["kustomize"] or Path(words[0]).name.startswith("kubectl")
    return Kustomize(program, is_kubectl=is_kubectl, seconds=seconds, remembered=remembered)


class Kustomize:
    """One kustomize binary, as `protocols.Renderer`. May be used by several threads at a time."""

    def __init__(
        self,
        program: str,
        *,
        is_kubectl: bool = False,
        seconds: float = SECONDS,
        remembered: Remembered | None = None,
    ) -> None:
        self._program = program
        self._is_kubectl = is_kubectl
        self._seconds = seconds
        self._remembered = remembered or (lambda _, find_out: find_out())

    @cached_property
    def version(self) -> str:
        """See `protocols.Renderer`; asked of the binary once. Raises `RenderError` if it is too old, or none."""
        status = Path(self._program).stat()
        which = f"{status.st_size} {status.st_mtime_ns}"
        is_script = status.st_size < _BINARY  # which may start another binary tomorrow
        key = f"{self._subcommand} {which} {self._program}"
        told = self._asked() if is_script else self._remembered(key, self._asked)
        return f"{self._subcommand} {told} {which}"

    def _asked(self) -> str:
        arguments = ["version", "--client", "--output=json"] if self._is_kubectl else ["version"]
        with tempfile.TemporaryDirectory(prefix="updater-version-") as scratch:
            answer = self._run(arguments, Path(scratch)).decode(errors="replace")
        # kubectl tells its own version, too, and before that of its kustomize.
        found = _VERSION.search(answer, max(answer.find("kustomizeVersion"), 0))
        if found is None or (self._is_kubectl and "kustomizeVersion" not in answer):
            raise RenderError(f"{self._program} does not tell its kustomize version", hint=_INSTALL)
        if (int(found[1]), int(found[2])) < OLDEST:
            raise RenderError(f"{self._program} is kustomize {found[0]}, which is too old", hint=_INSTALL)
        return found[0]

    def is_recent(self) -> bool:
        """Whether it is a kustomize that can be used."""
        try:
            return bool(self.version)
        except RenderError:
            return False

    def render(self, files: Mapping[str, bytes], links: Mapping[str, str], folder: str) -> bytes:
        """See `protocols.Renderer`."""
        with tempfile.TemporaryDirectory(prefix="updater-render-") as name:
            scratch = Path(name).resolve()
            tree = scratch / "tree"
            tree.mkdir()
            _write(tree, files, links)
            return self._run([self._subcommand, str(_inside(tree, folder))], scratch)

    @property
    def _subcommand(self) -> str:
        return "kustomize" if self._is_kubectl else "build"

    def _run(self, arguments: Sequence[str], scratch: Path) -> bytes:
        home = scratch / "home"
        home.mkdir()
        with _started([self._program, *arguments], home) as process:
            try:
                output, errors = _collect(process, self._seconds)
            except BaseException:
                kill(process)
                raise
        if process.returncode != 0:
            if process.returncode < 0:
                raise RendererUnavailable(f"kustomize was ended by signal {-process.returncode}", hint=_MEMORY)
            message = _message(errors, scratch / "tree") or f"ended with code {process.returncode}"
            raise RenderError(f"kustomize: {message}")
        return output


def _started(arguments: Sequence[str], home: Path) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            arguments,
            cwd=home,
            env=_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise RendererUnavailable(f"{arguments[0]} cannot be started: {error.strerror}", hint=_INSTALL) from error


def _environment(home: Path) -> dict[str, str]:
    """What the process sees: an `envs:` file of a generator may read any of it, so nothing of ours is in it.

    An empty folder is HOME (no kuberc, no plug-ins) and PATH (no git, no helm), and every address but
    loopback is behind a proxy that does not exist. That is a second wall: remote things are refused before.
    """
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), _DEAD_END)
    return {"HOME": str(home), "PATH": str(home), "TMPDIR": str(home), "KUBECONFIG": os.devnull, **nowhere}


def _write(tree: Path, files: Mapping[str, bytes], links: Mapping[str, str]) -> None:
    # Links come last, so no file is written through one.
    for path, content in files.items():
        place = _inside(tree, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    for path, target in links.items():
        place = _inside(tree, path)
        _inside(tree, posixpath.normpath(posixpath.join(posixpath.dirname(path), target)))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)


def _inside(tree: Path, path: str) -> Path:
    if path.startswith("/") or "\0" in path or ".." in path.split("/"):
        raise RenderError(f"{path!r} leads out of the repository")
    return tree / path


def _collect(process: subprocess.Popen[bytes], seconds: float) -> tuple[bytes, bytes]:
    """Both outputs of a process until it ends. Raises `RenderError` when it takes too long or prints too much."""
    assert process.stdout is not None
    assert process.stderr is not None
    deadline = time.monotonic() + seconds
    collected = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    with selectors.DefaultSelector() as selector:
        for descriptor in collected:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in _ready(selector, deadline, seconds):
                chunk = os.read(key.fd, 1 << 16)
                collected[key.fd] += chunk
                if not chunk:
                    selector.unregister(key.fd)
                if len(collected[key.fd]) > MAX_OUTPUT:
                    raise RenderError(f"kustomize printed more than {MAX_OUTPUT} bytes")
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise _too_slow(seconds) from None
    output, errors = collected.values()
    return bytes(output), bytes(errors)


def _ready(
    selector: selectors.BaseSelector, deadline: float, seconds: float
) -> list[tuple[selectors.SelectorKey, int]]:
    ready = selector.select(max(0.0, deadline - time.monotonic()))
    if not ready:
        raise _too_slow(seconds)
    return ready


def _too_slow(seconds: float) -> RenderError:
    return RendererUnavailable(f"kustomize did not end within {seconds:g} s")


def _message(errors: bytes, tree: Path) -> str:
    """What kustomize complains of, on one line, without warnings and without our scratch folder."""
    lines = [line for line in errors.decode(errors="replace").splitlines() if not line.startswith("# Warning")]
    text = " ".join(" ".join(lines).split()).removeprefix("Error: ").removeprefix("error: ")
    text = _KLOG.sub("", text).replace(f"{tree}/", "").replace(str(tree), ".")
    printable = "".join(character for character in text if character.isprintable())
    return printable if len(printable) <= _MAX_MESSAGE else f"{printable[:_MAX_MESSAGE]}…"
