"""Every failure of the updater, as one tree.

    UpdaterError                 1  unexpected
    ├── UsageError               2  the command line or a setting is wrong
    ├── ConfigurationError       3  a file in the GitOps repository is wrong
    │   └── EditRefused          3  a file cannot be edited without reformatting it
    ├── EventError               4  an event cannot be read, or must not be acted on
    ├── RegistryError            4  a container registry, asked about what an event names
    │   ├── RegistryUnavailable  4  it did not answer, or wants us to wait; trying again may help
    │   └── RegistryRefused      4  it answered, and not with what was asked for (rights, an answer that is not true)
    ├── GitError                 5  the git remote
    │   ├── RemoteUnavailable    5  it did not answer; trying again may help
    │   ├── BranchMissing        5  a branch that the configuration names is not there
    │   ├── PushRefused          5  the remote does not let us write (protected branch, hook, rights)
    │   └── PushContended        5  others moved the branch faster than we could plan; trying again may help
    ├── ForgeError               6  the forge (pull requests, statuses)
    │   ├── ForgeUnavailable     6  it did not answer, or wants us to wait; trying again may help
    │   └── ForgeRefused         6  it answered and does not do what was asked (rules, rights, a stale head)
    ├── RenderError              7  kustomize, or what it rendered
    │   └── RendererUnavailable  7  it could not be started, or did not live to the end; trying again may help
    └── StorageError             1  what came in cannot be kept now; trying again may help

The number is the exit code of the command line. `retry` tells a caller that holds the event whether
the same thing may succeed later without anybody changing anything.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file of the GitOps repository; `line` counts from 1."""

    path: str
    line: int | None = None

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"


class UpdaterError(Exception):
    """A failure that a person can act on: one line of what happened, where, and what to do."""

    exit_code = 1
    retry = False

    def __init__(self, message: str, *, at: Location | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.at is None else f"{self.at}: {self.message}"


class UsageError(UpdaterError):
    """The command line or a setting is wrong."""

    exit_code = 2


class ConfigurationError(UpdaterError):
    """A file in the GitOps repository is wrong."""

    exit_code = 3


class EditRefused(ConfigurationError):
    """A file that cannot be edited by changing only the bytes that have to change."""


class EventError(UpdaterError):
    """An event that cannot be read, or must not be acted on."""

    exit_code = 4


class RegistryError(UpdaterError):
    """A container registry did not say what was asked."""

    exit_code = 4


class RegistryUnavailable(RegistryError):
    """The registry did not answer, or wants us to wait longer than we do."""

    retry = True


class RegistryRefused(RegistryError):
    """The registry answered, and not with what was asked for: credentials, rights, an answer that cannot be true."""


class GitError(UpdaterError):
    """The git remote, or git itself."""

    exit_code = 5


class RemoteUnavailable(GitError):
    """The remote did not answer, or broke off."""

    retry = True


class BranchMissing(GitError):
    """A branch that is needed is not on the remote."""


class PushRefused(GitError):
    """The remote answered and does not let us write."""


class PushContended(GitError):
    """Every try was overtaken by another push; the event is not finished."""

    retry = True


class ForgeError(UpdaterError):
    """The forge did not do what was asked."""

    exit_code = 6


class ForgeUnavailable(ForgeError):
    """The forge did not answer, or wants us to wait longer than we do."""

    retry = True


class ForgeRefused(ForgeError):
    """The forge answered, and does not do what was asked."""


class RenderError(UpdaterError):
    """kustomize failed, or rendered something else than the planned change."""

    exit_code = 7


class RendererUnavailable(RenderError):
    """kustomize could not be started, was killed or took too long, which says nothing of what it was to render."""

    retry = True


class StorageError(UpdaterError):
    """What came in cannot be kept now: the disk is full, the inbox is locked or damaged, the queue does not answer."""

    retry = True
