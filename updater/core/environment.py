"""An environment as `environments/<name>.yaml` describes it.

These dataclasses are the schema, too: `updater.config` checks files against them, and the JSON Schema
for editors is made from them. A key in a file is the field's name with `-` for `_`, without a trailing
`_` (`from_` is `from`). The string under a field is the description of its key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from annotated_types import Ge, MinLen

from updater.errors import ConfigurationError, Location

_FILE = re.compile(r"environments/([^/]+)\.ya?ml")
OrderName: TypeAlias = Literal["pushed", "semver", "numerical", "alphabetical"]
Text: TypeAlias = Annotated[str, MinLen(1)]
Texts: TypeAlias = tuple[Text, ...]
OneOrMore: TypeAlias = Text | Annotated[Texts, MinLen(1)]
AtLeastOne: TypeAlias = Annotated[int, Ge(1)]


def key_of(field_name: str) -> str:
    """The key in a file that a field stands for: `max_open` is `max-open`, `from_` is `from`."""
    return field_name.rstrip("_").replace("_", "-")


SCHEMA: dict[str, Any] = {"extra": "forbid", "alias_generator": key_of}
"""How the dataclasses are read as a schema, in the words of pydantic's ConfigDict."""


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Whose signature an image has to bear."""

    __pydantic_config__: ClassVar[Any] = SCHEMA

    key: OneOrMore
    """File with a cosign public key (PEM), or several of which one has to fit: from the root of the repository, else
    beside this file."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Which pushed images may land here, and how their tags compare."""

    __pydantic_config__: ClassVar[Any] = SCHEMA

    image: Text
    """Path pattern of the image repositories: `*` stands for one segment or a part of one, `**` for several."""
    order: OrderName = "pushed"
    """What makes a version newer: the time of its push, or its tag as a semantic version, a number or a text."""
    range: Text | None = None
    """Semantic versions that may land, as in `>=1.0.0 <2`, `^1.2`, `~1.4` or `1.x || >=3`; for `order: semver` only."""
    prereleases: bool = False
    """Whether pre-releases (`1.4.0-rc.1`) may land; a range that names a pre-release lets them in as well."""
    tags: Text | None = None
    """Regular expression that a tag has to contain; what its group `key` captures is compared, if there is one."""
    ignore: Texts = ()
    """Regular expressions of tags that never land."""
    pin: Literal["digest", "tag"] = "digest"
    """Write tag and digest together (the digest as soon as it is known), or the tag alone."""
    confirm: bool | None = None
    """Whether the registry is asked about a push before it lands; without it, where the updater knows how to log in."""
    signed_by: SignedBy | None = None
    """Only images land that this key has signed (`cosign sign --key`)."""


@dataclass(frozen=True, slots=True)
class StatusGate:
    """Commit statuses that must be green, where one name is not enough."""

    __pydantic_config__: ClassVar[Any] = SCHEMA

    context: Text
    """Name of the status; `*` stands for anything, `{service}` and other captures are filled in."""
    at_least: AtLeastOne = 1
    """How many matching statuses there must be; all of them must be green."""


@dataclass(frozen=True, slots=True)
class Promote:
    """Where the versions of this environment come from, and what they must have proved there."""

    __pydantic_config__: ClassVar[Any] = SCHEMA

    from_: OneOrMore
    """Environment, or several of which all must have run the version."""
    soak: Text = "0s"
    """How long a version must have stood there without a break: `90s`, `30m`, `12h`, `2d`."""
    statuses: tuple[Text | StatusGate, ...] = ()
    """Commit statuses that must be green."""
    images: dict[Text, Text] | None = None
    """Image pattern there and its name here, for images that are copied under another name."""


@dataclass(frozen=True, slots=True)
class PullRequests:
    """How pull requests of this environment look and move."""

    __pydantic_config__: ClassVar[Any] = SCHEMA

    per: Literal["service", "environment"] = "service"
    """One pull request for each service, or one for everything that waits."""
    move: Literal["until-approved", "always", "never"] = "until-approved"
    """Whether a newer version moves an open pull request."""
    labels: Texts = ()
    """Labels that new pull requests get."""
    reviewers: Texts = ()
    """Users, and teams as `team:<name>`, who are asked for a review."""
    draft: bool = False
    """Whether pull requests are opened as drafts."""
    max_open: AtLeastOne = 20
    """How many pull requests may be open at a time; the rest waits, oldest first."""
    merge: Literal["by-hand", "when-green"] = "by-hand"
    """Who merges: a person, or the updater once everything is green."""
    method: Literal["merge", "squash", "rebase"] | None = None
    """How the updater merges; without it, the first way that the repository allows."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A time in which nothing lands: days, or a part of every week.

    A weekly time that the clock jumps over means the jump. Of one that comes twice, the first begins and the second
    ends a freeze.
    """

    __pydantic_config__: ClassVar[Any] = SCHEMA

    from_: Text
    """First day (`2026-12-20`), or weekday and time (`FRI 16:00`) on the wall clock."""
    to: Text
    """Last day, itself included (`2027-01-03`), or weekday and time (`MON 06:00`) at which it is over."""
    timezone: Text = "UTC"
    """Time zone of the days and times, as in `Europe/Berlin`."""
    reason: Text | None = None
    """Why; shown wherever something waits for it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A service that is kept as it is, by hand."""

    __pydantic_config__: ClassVar[Any] = SCHEMA

    service: Text
    """Service, or a glob of services."""
    reason: Text
    """Why; shown wherever a version is held."""
    image: Text | None = None
    """Image repository, if only that image of the service is held; without it, all of them."""
    until: Text | None = None
    """Day (`2026-12-01`): the hold is over when that day begins in UTC. Without it, it stays until it is taken out."""


@dataclass(frozen=True, slots=True)
class Release:
    """Lifts a hold or a refusal, by hand."""

    __pydantic_config__: ClassVar[Any] = SCHEMA

    service: Text
    """Service whose hold is lifted; its exact name, no glob."""
    image: Text
    """Image repository."""
    version: Text
    """Tag that may land again."""
    reason: Text | None = None
    """Why."""


@dataclass(frozen=True, slots=True)
class Environment:
    """How one environment is updated. Its name is that of its file."""

    __pydantic_config__: ClassVar[Any] = SCHEMA

    overlays: OneOrMore
    """Glob, or globs, of the overlays' folders; `{service}` and other captures are one path segment each."""
    branch: Text | None = None
    """Branch on which the overlays live; without it, the remote's default branch."""
    entries: Texts = ()
    """Globs of the names of `images:` entries that belong to this environment; `!` excludes. All, if empty."""
    follow: tuple[Follow, ...] = ()
    """Pushed images that may land here; the first rule whose image matches decides alone."""
    promote: Promote | None = None
    """Where versions are promoted from."""
    deliver: Literal["commit", "pull-request"] = "commit"
    """Commit to the branch, or open a pull request."""
    verify: Literal["render", "parse"] = "render"
    """Render the overlay before each commit, or only parse it (for overlays that cannot be rendered confined)."""
    pull_request: PullRequests = field(default_factory=PullRequests)
    """How pull requests look and move."""
    freeze: tuple[Freeze, ...] = ()
    """Times in which nothing lands, is proposed or merged by the updater."""
    paused: bool | Text = False
    """`true` or a reason: nothing lands until it is taken out."""
    hold: tuple[Hold, ...] = ()
    """Services that are kept as they are, by hand."""
    release: tuple[Release, ...] = ()
    """Holds and refusals that are lifted, by hand."""


@dataclass(frozen=True, slots=True)
class NamedEnvironment:
    """An environment with its name, the file that describes it, and its branch filled in.

    `lines` are the keys that the file sets at its top level, each with its line.
    """

    name: str
    path: str
    branch: str
    settings: Environment
    lines: tuple[tuple[str, int], ...] = ()

    @property
    def globs(self) -> tuple[str, ...]:
        """Where its overlays are; a file may write one glob without a list."""
        overlays = self.settings.overlays
        return (overlays,) if isinstance(overlays, str) else overlays

    @property
    def proposes(self) -> bool:
        """Whether it delivers by pull request."""
        return self.settings.deliver == "pull-request"

    def at(self, key: str) -> Location:
        """Where the file sets `key`; the file alone if it does not."""
        return Location(self.path, dict(self.lines).get(key))


@dataclass(frozen=True, slots=True)
class Configuration:
    """What `environments/` says: the environments that are in order, and what is wrong with the others."""

    environments: tuple[NamedEnvironment, ...] = ()
    errors: tuple[ConfigurationError, ...] = ()

    def broken(self) -> dict[str, ConfigurationError]:
        """The environments that cannot be read, by name, each with the first thing that is wrong with it."""
        known = {each.name for each in self.environments}
        named = {name: each for each in reversed(self.errors) if (name := described(each)) is not None}
        return {name: each for name, each in named.items() if name not in known}


def described(error: ConfigurationError) -> str | None:
    """The name of the environment whose file an error is in; None where it is elsewhere."""
    found = None if error.at is None else _FILE.fullmatch(error.at.path)
    return None if found is None else found[1]
