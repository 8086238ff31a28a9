"""Environments from files: what is accepted, and that everything else is told by file, line, key and near miss."""

from __future__ import annotations

import zoneinfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.trees import File, Link, MemoryTree, Submodule
from updater.config import load
from updater.config.problems import problem
from updater.core.environment import (
    Configuration,
    Environment,
    Follow,
    Freeze,
    Hold,
    Promote,
    PullRequests,
    Release,
    StatusGate,
)
from updater.errors import ConfigurationError, Location

TEST = """\
# how test is updated
overlays: apps/test/{service}
branch: deploy
entries: ["*", "!*-canary"]
follow:
  - image: reg.example/acme/models/*
    order: semver
    range: ">=1.0.0 <2"
    prereleases: false
    tags: '^v?(?P<key>.+)$'
    ignore: ['-debug$']
    pin: digest
  - image: reg.example/acme/web/**
    order: pushed
deliver: commit
verify: parse
"""
STAGING = """\
overlays:
  - apps/staging/{service}
  - clusters/*/staging/{service}
promote:
  from: [test]
  soak: 30m
  statuses:
    - smoke-test
    - {context: "argocd/{service}-test-*", at-least: 2}
  images: {"reg.example/acme/models/*": "prod.example/acme/models/*"}
deliver: pull-request
pull-request:
  per: environment
  move: always
  labels: [promotion, "needs review"]
  reviewers: [alice, "team:ml-platform", "dependabot[bot]"]
  draft: true
  max-open: 3
  merge: when-green
  method: squash
freeze:
  - {from: 2026-12-20, to: 2027-01-03, timezone: UTC, reason: holidays}
  - {from: "FRI 16:00", to: "MON 06:00"}
paused: until the sensors are mended
hold:
  - {service: model-*, image: reg.example/acme/models/a, reason: INC-42, until: 2026-12-01}
release:
  - {service: model-a, image: reg.example/acme/models/a, version: 1.4.0, reason: fixed upstream}
"""
QUOTES = "put it in quotes: without them, YAML reads it as a number or as true or false"
SMALL = "overlays: o/{service}\nfollow: [{image: '**'}]\n"


def loaded(**files: str | bytes) -> Configuration:
    """The configuration of environments by name."""
    tree = MemoryTree({f"environments/{name}.yaml": content for name, content in files.items()})
    return load(tree, "main")


def errors(**files: str | bytes) -> list[str]:
    return [str(error) for error in loaded(**files).errors]


def only_error(content: str | bytes) -> ConfigurationError:
    configuration = loaded(test=content)
    assert configuration.environments == ()
    (error,) = configuration.errors
    return error


# What is accepted


def test_a_following_environment_is_read_with_every_key() -> None:
    (environment,) = loaded(test=TEST).environments
    assert (environment.name, environment.path, environment.branch) == ("test", "environments/test.yaml", "deploy")
    assert environment.settings == Environment(
        overlays="apps/test/{service}",
        branch="deploy",
        entries=("*", "!*-canary"),
        follow=(
            Follow(
                image="reg.example/acme/models/*",
                order="semver",
                range=">=1.0.0 <2",
                tags="^v?(?P<key>.+)$",
                ignore=("-debug$",),
            ),
            Follow(image="reg.example/acme/web/**"),
        ),
        deliver="commit",
        verify="parse",
    )


def test_a_promoting_environment_is_read_with_every_key() -> None:
    staging = loaded(test=SMALL, staging=STAGING).environments[0].settings
    assert staging == Environment(
        overlays=("apps/staging/{service}", "clusters/*/staging/{service}"),
        promote=Promote(
            from_=("test",),
            soak="30m",
            statuses=("smoke-test", StatusGate(context="argocd/{service}-test-*", at_least=2)),
            images={"reg.example/acme/models/*": "prod.example/acme/models/*"},
        ),
        deliver="pull-request",
        pull_request=PullRequests(
            per="environment",
            move="always",
            labels=("promotion", "needs review"),
            reviewers=("alice", "team:ml-platform", "dependabot[bot]"),
            draft=True,
            max_open=3,
            merge="when-green",
            method="squash",
        ),
        freeze=(
            Freeze(from_="2026-12-20", to="2027-01-03", reason="holidays"),
            Freeze(from_="FRI 16:00", to="MON 06:00"),
        ),
        paused="until the sensors are mended",
        hold=(Hold(service="model-*", reason="INC-42", image="reg.example/acme/models/a", until="2026-12-01"),),
        release=(
            Release(service="model-a", image="reg.example/acme/models/a", version="1.4.0", reason="fixed upstream"),
        ),
    )


def test_environments_come_by_name_and_know_the_lines_of_their_keys() -> None:
    environments = loaded(test=TEST, b=SMALL).environments
    assert [environment.name for environment in environments] == ["b", "test"]
    assert environments[0].branch == "main"
    assert environments[1].at("deliver") == Location("environments/test.yaml", 15)
    assert environments[1].at("freeze") == Location("environments/test.yaml")


def test_an_alias_stands_for_what_is_anchored_before_it() -> None:
    content = "overlays: &where o/{service}\nfollow:\n  - &rule {image: '**'}\n  - *rule\nentries: [*where]\n"
    (environment,) = loaded(test=content).environments
    assert environment.settings.follow == (Follow(image="**"), Follow(image="**"))
    assert environment.settings.entries == ("o/{service}",)


def test_json_and_a_byte_order_mark_are_yaml_too() -> None:
    json = b'\xef\xbb\xbf{"overlays": ["o"], "follow": [{"image": "**"}]}'
    assert loaded(test=json).environments[0].settings.overlays == ("o",)


@pytest.mark.parametrize(
    ("written", "meant"), [("true", True), ("False", False), ("later", "later"), ("'true'", "true")]
)
def test_words_are_read_as_yaml_1_2_reads_them(written: str, meant: bool | str) -> None:
    assert loaded(test=SMALL + f"paused: {written}\n").environments[0].settings.paused == meant


@pytest.mark.parametrize(("written", "meant"), [("7", 7), ("+7", 7), ("0x10", 16), ("0o17", 15), ("017", 17)])
def test_whole_numbers_are_read_as_yaml_1_2_reads_them(written: str, meant: int) -> None:
    content = f"{SMALL}deliver: pull-request\npull-request: {{max-open: {written}}}\n"
    assert loaded(test=content).environments[0].settings.pull_request.max_open == meant


# Which files are environments


def test_other_files_beside_the_environments_are_left_alone() -> None:
    others = {"environments/README.md": "x", "environments/schema.json": "{", "environments/.gitkeep": ""}
    configuration = load(MemoryTree({**others, "environments/test.yaml": SMALL}), "main")
    assert len(configuration.environments) == 1
    assert configuration.errors == ()


@pytest.mark.parametrize("files", [{}, {"environments/README.md": "x"}, {"base/kustomization.yaml": ""}])
def test_no_environment_at_all_is_an_error_that_says_how_to_begin(files: dict[str, str]) -> None:
    (error,) = load(MemoryTree(files), "main").errors
    assert str(error) == "environments: there is no environment: no file environments/*.yaml"
    assert error.hint == "describe one in environments/<name>.yaml, with `overlays` and `follow`"


@pytest.mark.parametrize(
    ("file", "hint"),
    [
        ("test.yml", "rename it to environments/test.yaml"),
        ("test.YAML", "rename it to environments/test.yaml"),
        ("Test.yaml", "lower-case letters and digits, with `-` between them, as in edge-eu.yaml"),
        ("-a.yaml", "lower-case letters and digits, with `-` between them, as in edge-eu.yaml"),
        ("a-.yaml", "lower-case letters and digits, with `-` between them, as in edge-eu.yaml"),
        ("a.b.yaml", "lower-case letters and digits, with `-` between them, as in edge-eu.yaml"),
        ("a b.yaml", "lower-case letters and digits, with `-` between them, as in edge-eu.yaml"),
        (".yaml", "lower-case letters and digits, with `-` between them, as in edge-eu.yaml"),
        ("sub/test.yaml", "put the files into environments/ itself"),
    ],
)
def test_a_file_that_only_looks_like_an_environment_is_an_error_not_silence(file: str, hint: str) -> None:
    configuration = load(MemoryTree({"environments/good.yaml": SMALL, f"environments/{file}": SMALL}), "main")
    (error,) = configuration.errors
    assert error.at == Location(f"environments/{file.split('/')[0]}")
    assert error.hint == hint
    assert [environment.name for environment in configuration.environments] == ["good"]


@pytest.mark.parametrize(("file", "kind"), [(Link("../elsewhere.yaml"), "link"), (Submodule(), "submodule")])
def test_a_link_in_place_of_a_file_is_refused_unread(file: File, kind: str) -> None:
    (error,) = load(MemoryTree({"environments/test.yaml": file}), "main").errors
    assert str(error) == f"environments/test.yaml: a {kind}, where a file has to be"


def test_a_link_in_place_of_the_folder_is_refused_unread() -> None:
    configuration = load(MemoryTree({"environments": Link("elsewhere"), "elsewhere/test.yaml": SMALL}), "main")
    assert configuration.environments == ()
    assert [str(error) for error in configuration.errors] == ["environments: a link, where a folder has to be"]


# Files that cannot be read


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("# only a comment\n", 1, "the file is empty"),
        ("--- ~\n", 1, "the file must be a mapping of keys"),
        ("- a\n- b\n", 1, "the file must be a mapping of keys"),
        ("overlays\n", 1, "the file must be a mapping of keys"),
        (b"overlays: o\nbranch: \xff\n", 2, "the file is not UTF-8 text"),
        (SMALL + "---\n" + SMALL, 4, "a second document starts here: one file describes one environment"),
        (SMALL + "branch: a\nbranch: b\n", 4, "the key 'branch' stands here a second time (first on line 3)"),
        (SMALL + "branch: !env MAIN\n", 3, "the tag '!env' has no meaning here: leave it out"),
        (SMALL + "paused: !!str true\n", 3, "the tag 'tag:yaml.org,2002:str' has no meaning here: leave it out"),
        (
            SMALL + "hold: [{<<: {service: a}, reason: b}]\n",
            3,
            "merge keys (`<<`) are not read here: write the keys out",
        ),
        (SMALL + "entries: " + "[" * 200 + "]" * 200, 3, "nested deeper than 100 levels"),
    ],
)
def test_a_file_that_is_no_configuration_is_told_with_its_line(content: str | bytes, line: int, message: str) -> None:
    error = only_error(content)
    assert (error.at, error.message) == (Location("environments/test.yaml", line), message)


def test_an_alias_without_an_anchor_is_told_with_its_line() -> None:
    error = only_error(SMALL + "branch: *none\n")
    assert error.at == Location("environments/test.yaml", 3)
    assert "none" in error.message


def test_a_tab_in_the_indentation_is_told() -> None:
    error = only_error("overlays: o\nfollow:\n\t- image: x\n")
    assert error.at == Location("environments/test.yaml", 3)
    assert error.hint == "indent with blanks: YAML takes no tabs there"


def test_a_syntax_error_of_another_kind_has_no_hint_about_tabs() -> None:
    assert only_error("overlays: 'o\n").hint is None


def test_a_large_file_is_refused_unparsed() -> None:
    assert only_error(b"#" * (10 << 20)).message == "the file has 10485760 bytes; up to 1048576 are read"
    assert loaded(test=SMALL + "#" * ((1 << 20) - len(SMALL))).errors == ()


def test_aliases_cannot_make_a_small_file_large() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 20))
    error = only_error("l0: &l0 [lol]\n" + levels)
    assert error.message == "more than 10000 values or 100 levels, aliases included"


def test_aliases_cannot_make_a_flat_file_deep() -> None:
    levels = "".join(f"l{n}: &l{n} {'[' * 30}*l{n - 1}{']' * 30}\n" for n in range(1, 20))
    error = only_error("l0: &l0 []\n" + levels)
    assert error.message == "more than 10000 values or 100 levels, aliases included"


# Values that do not fit


@pytest.mark.parametrize(
    ("content", "line", "message", "hint"),
    [
        ("follow: [{image: '**'}]\n", 1, "`overlays` is missing", None),
        ("overlays: o\nfollow:\n  - order: semver\n", 3, "`follow[0].image` is missing", None),
        (SMALL + "hold:\n  - service: a\n", 4, "`hold[0].reason` is missing", None),
        (SMALL + "folow: 1\n", 3, "unknown key `folow`", "did you mean `follow`?"),
        (SMALL + "pull_request: {}\n", 3, "unknown key `pull_request`", "did you mean `pull-request`?"),
        (SMALL + "soak: 3m\n", 3, "unknown key `soak`", "`soak` is a key of `promote`"),
        (SMALL + "at-least: 3\n", 3, "unknown key `at-least`", "`at-least` is a key of `statuses`"),
        (SMALL + "to: x\n", 3, "unknown key `to`", "`to` is a key of `freeze`"),
        (SMALL + "image: x\n", 3, "unknown key `image`", "`image` is a key of `follow` and `hold` and `release`"),
        (
            SMALL + "hold: [{service: a, reason: b, images: c}]\n",
            3,
            "unknown key `hold[0].images`",
            "did you mean `image`? `images` is a key of `promote`",
        ),
        (
            "overlays: o\nfollow:\n  - image: x\n    verify: x\n",
            4,
            "unknown key `follow[0].verify`",
            "`verify` is a key of the file itself",
        ),
        (
            SMALL + 'freeze: [{from: 2026-01-01, to: 2026-01-02, "\\e[31m": 1}]\n',
            3,
            "unknown key `freeze[0].'\\x1b[31m'`",
            "known here: from, to, timezone, reason",
        ),
        (
            "overlays: o/{service}\nfollow:\n  - image: x\n    signed-by:\n      key: a.pub\n      kex: a.pub\n",
            6,
            "unknown key `follow[0].signed-by.kex`",
            "did you mean `key`?",
        ),
        (
            "overlays: o/{service}\nfollow:\n  - image: x\n    signed-by: {key: 7}\n",
            4,
            "`follow[0].signed-by.key` must be the path of a file, or a list of paths",
            None,
        ),
        (
            "overlays: o/{service}\nfollow:\n  - image: x\n    signed-by:\n",
            4,
            "`follow[0].signed-by`: no key is named",
            "write `signed-by: {key: cosign.pub}`",
        ),
        (
            "overlays: o/{service}\nfollow:\n  - image: x\n    pin: tag\n    signed-by: {key: a.pub}\n",
            5,
            "`follow[0].signed-by`: a digest is what is signed, and `pin: tag` writes none",
            "take `pin: tag` out: a tag alone may name another image tomorrow",
        ),
        (
            SMALL + "branch: 7\n",
            3,
            "`branch` must be text",
            QUOTES,
        ),
        (SMALL + "branch: [a]\n", 3, "`branch` must be text", None),
        (SMALL + "branch: ''\n", 3, "`branch` must not be empty", None),
        (SMALL + "entries: x\n", 3, "`entries` must be a list", None),
        (
            SMALL + "entries:\n  - a\n  - true\n",
            5,
            "`entries[1]` must be text",
            QUOTES,
        ),
        (SMALL + "hold:\n", 3, "`hold` is empty, and must be a list", "give it a value, or take the key out"),
        (SMALL + "hold: {}\n", 3, "`hold` must be a list", None),
        (SMALL + "hold: [a]\n", 3, "`hold[0]` must be a mapping of keys", None),
        (SMALL + "pull-request: []\n", 3, "`pull-request` must be a mapping of keys", None),
        (
            SMALL + "pull-request: {draft: yes}\n",
            3,
            "`pull-request.draft` must be true or false",
            "`yes`, `no`, `on` and `off` are text in YAML 1.2",
        ),
        (SMALL + "pull-request: {draft: 1}\n", 3, "`pull-request.draft` must be true or false", None),
        (SMALL + "pull-request: {max-open: 0}\n", 3, "`pull-request.max-open` must be at least 1", None),
        (SMALL + "pull-request: {max-open: 1.5}\n", 3, "`pull-request.max-open` must be a whole number", None),
        (SMALL + "pull-request: {max-open: '5'}\n", 3, "`pull-request.max-open` must be a whole number", None),
        (
            SMALL + f"pull-request: {{max-open: {'9' * 5000}}}\n",
            3,
            "`pull-request.max-open` must be a whole number",
            None,
        ),
        (SMALL + "pull-request: {max-open: .inf}\n", 3, "`pull-request.max-open` must be a whole number", None),
        (SMALL + "pull-request: {max-open: -.INF}\n", 3, "`pull-request.max-open` must be a whole number", None),
        (SMALL + "pull-request: {max-open: .nan}\n", 3, "`pull-request.max-open` must be a whole number", None),
        (SMALL + "deliver: comit\n", 3, "`deliver` must be one of commit, pull-request", "did you mean `commit`?"),
        (SMALL + "deliver: 3\n", 3, "`deliver` must be one of commit, pull-request", None),
        ("overlays: []\nfollow: [{image: '**'}]\n", 1, "`overlays` must not be empty", None),
        ("overlays: 3\nfollow: [{image: '**'}]\n", 1, "`overlays` must be a glob, or a list of globs", None),
        ("overlays: {str: a}\nfollow: [{image: '**'}]\n", 1, "`overlays` must be a glob, or a list of globs", None),
        (
            "overlays:\nfollow: [{image: '**'}]\n",
            1,
            "`overlays` is empty, and must be a glob, or a list of globs",
            "give it a value, or take the key out",
        ),
        ("overlays:\n  - o\n  - ''\nfollow: [{image: '**'}]\n", 3, "`overlays[1]` must not be empty", None),
        (
            "overlays:\n  - 3\nfollow: [{image: '**'}]\n",
            2,
            "`overlays[0]` must be text",
            QUOTES,
        ),
        (SMALL + "paused: 3\n", 3, "`paused` must be true, false or a reason", None),
        (SMALL + "paused: ''\n", 3, "`paused` must not be empty", None),
        (
            "overlays: o\npromote: {from: 3}\n",
            2,
            "`promote.from` must be the name of an environment, or a list of names",
            None,
        ),
        (
            "overlays: o\npromote:\n  from: test\n  statuses:\n    - 3\n",
            5,
            "`promote.statuses[0]` must be the name of a status, or a mapping with `context`",
            None,
        ),
        (
            "overlays: o\npromote:\n  from: test\n  statuses:\n    - {at-least: 2}\n",
            5,
            "`promote.statuses[0].context` is missing",
            None,
        ),
        (
            "overlays: o\npromote:\n  from: test\n  statuses: [{context: a, at-least: 0}]\n",
            4,
            "`promote.statuses[0].at-least` must be at least 1",
            None,
        ),
        ("overlays: o\npromote:\n  from: test\n  images: [a]\n", 4, "`promote.images` must be a mapping", None),
        (
            "overlays: o\npromote:\n  from: test\n  images: {a: 1}\n",
            4,
            "`promote.images.a` must be text",
            QUOTES,
        ),
        (
            SMALL + "release:\n  - {service: a, image: r.example/a, version: 1.10}\n",
            4,
            "`release[0].version` must be text",
            QUOTES,
        ),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_line_key_and_hint(
    content: str, line: int, message: str, hint: str | None
) -> None:
    error = only_error(content)
    assert (error.at, error.message, error.hint) == (Location("environments/test.yaml", line), message, hint)


# Values that fit and make no sense


@pytest.mark.parametrize(
    ("addition", "line", "message"),
    [
        ("branch: a..b\n", 3, "`branch`: 'a..b' is no name that git allows for a branch"),
        ("entries: [a, '!']\n", 3, "`entries[1]`: `!` alone excludes nothing"),
        ("paused: no\n", 3, "`paused`: `no` is text in YAML 1.2, and no reason"),
        ("pull-request: {draft: true}\n", 3, "`pull-request`: this has no effect without `deliver: pull-request`"),
        (
            "pull-request: {labels: ['a ']}\n",
            3,
            "`pull-request.labels[0]`: 'a ' is no label: control characters, or blanks around it",
        ),
        (
            'pull-request: {labels: ["a\\nb"]}\n',
            3,
            "`pull-request.labels[0]`: 'a\\nb' is no label: control characters, or blanks around it",
        ),
        (
            "pull-request: {labels: [a, 'updater:withdrawn']}\n",
            3,
            "`pull-request.labels[1]`: the label `updater:withdrawn` is set by the updater alone",
        ),
        ("pull-request: {reviewers: ['@alice']}\n", 3, "`pull-request.reviewers[0]`: '@alice' is no user or team"),
        ("pull-request: {reviewers: ['team:']}\n", 3, "`pull-request.reviewers[0]`: 'team:' is no user or team"),
        (
            "pull-request: {reviewers: ['alice, bob']}\n",
            3,
            "`pull-request.reviewers[0]`: 'alice, bob' is no user or team",
        ),
        (
            "freeze:\n  - from: 2026-02-29\n    to: 2026-03-01\n",
            4,
            "`freeze[0].from`: '2026-02-29' is neither a day nor a weekday with a time",
        ),
        (
            "freeze:\n  - from: 2026-03-01\n    to: fri 16:00\n",
            5,
            "`freeze[0].to`: 'fri 16:00' is neither a day nor a weekday with a time",
        ),
        (
            "freeze:\n  - from: 2026-03-01\n    to: 2026-02-28\n",
            5,
            "`freeze[0].to`: the freeze ends on 2026-02-28, before it begins on 2026-03-01",
        ),
        ("freeze:\n  - from: MON 00:00\n    to: MON 00:00\n", 5, "`freeze[0].to`: the freeze ends when it begins"),
        (
            "freeze:\n  - from: 2026-03-01\n    to: MON 00:00\n",
            5,
            "`freeze[0].to`: `from` and `to` must both be days, or both weekdays with a time",
        ),
        (
            "freeze:\n  - {from: 2026-03-01, to: 2026-03-01, timezone: ../UTC}\n",
            4,
            "`freeze[0].timezone`: there is no time zone '../UTC' on this machine",
        ),
        (
            "hold: [{service: a, reason: b, until: tomorrow}]\n",
            3,
            "`hold[0].until`: 'tomorrow' is no day of the calendar",
        ),
        (
            "hold: [{service: a, reason: b, image: 'reg.example/a:1'}]\n",
            3,
            "`hold[0].image`: 'reg.example/a:1' is no image repository",
        ),
        (
            "release: [{service: a, image: Reg/A, version: '1'}]\n",
            3,
            "`release[0].image`: 'Reg/A' is no image repository",
        ),
        ("release: [{service: a, image: reg.example/a, version: '1 2'}]\n", 3, "`release[0].version`: '1 2' is no tag"),
    ],
)
def test_a_setting_without_a_meaning_is_told_with_its_line(addition: str, line: int, message: str) -> None:
    deliver = "" if "no effect" in message else "deliver: pull-request\n"
    found = loaded(test=SMALL + addition + deliver).errors
    assert [(error.at, error.message) for error in found] == [(Location("environments/test.yaml", line), message)]


def test_the_two_ends_of_a_freeze_are_told_apart_when_both_are_wrong() -> None:
    found = errors(test=SMALL + "freeze: [{from: a, to: b}]\n")
    assert [text.split("`")[1] for text in found] == ["freeze[0].from", "freeze[0].to"]


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("Europe/Berln", "did you mean `Europe/Berlin`?"),
        ("CEST local", "write it as in Europe/Berlin"),
        ("x" * 5000, "write it as in Europe/Berlin"),
    ],
)
def test_an_unknown_time_zone_has_a_near_miss(written: str, hint: str) -> None:
    error = only_error(SMALL + f"freeze: [{{from: 2026-01-01, to: 2026-01-02, timezone: {written}}}]\n")
    assert error.hint == hint


def test_utc_is_known_where_there_is_no_data_base_of_time_zones() -> None:
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    try:
        assert errors(test=SMALL + "freeze: [{from: 2026-01-01, to: 2026-01-02}]\n") == []
    finally:
        zoneinfo.reset_tzpath()


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ("image: 'a/**/b/**'", "image"),
        ("image: a\n    range: '>=1'", "range"),
        ("image: a\n    order: numerical\n    prereleases: true", "prereleases"),
        ("image: a\n    order: semver\n    range: newest", "range"),
        ("image: a\n    tags: '('", "tags"),
        ("image: a\n    ignore: ['(']", "ignore"),
    ],
)
def test_a_rule_that_cannot_be_used_is_told_at_its_key(rule: str, key: str) -> None:
    error = only_error(f"overlays: o\nfollow:\n  - image: ok\n  - {rule}\n")
    assert error.message.startswith(f"`follow[1].{key}`: ")
    assert error.at == Location("environments/test.yaml", 4 + rule.count("\n"))


@pytest.mark.parametrize(
    "glob",
    [
        "/apps/{service}",
        "apps/../other",
        "apps//x",
        "apps/",
        "{a}/{a}",
        "a/x{service}",
        "./apps",
        "**/x/**",
        "{service=**}",
    ],
)
def test_an_overlay_glob_that_cannot_match_is_told_at_its_line(glob: str) -> None:
    error = only_error(f"overlays:\n  - ok\n  - '{glob}'\nfollow: [{{image: '**'}}]\n")
    assert error.at == Location("environments/test.yaml", 3)
    assert error.message.startswith(f"`overlays[1]`: the pattern {glob!r} ")


def test_a_single_overlay_glob_is_checked_like_a_list() -> None:
    assert only_error("overlays: ../x\nfollow: [{image: '**'}]\n").message.startswith("`overlays`: the pattern '../x' ")


@pytest.mark.parametrize(
    ("promote", "line", "message"),
    [
        ("soak: 30x", 4, "`promote.soak`: '30x' is no duration"),
        ("statuses: ['{servce}']", 4, "`promote.statuses[0]`: {servce} is not captured by every pattern of `overlays`"),
        ("statuses: ['{team}']", 4, "`promote.statuses[0]`: {team} is not captured by every pattern of `overlays`"),
        ("statuses: [a, {context: 'a}'}]", 4, "`promote.statuses[1]`: 'a}' has a brace without its other half"),
        (
            "statuses:\n    - {context: '{cluster}', at-least: 1}\n    - {context: '{cluster}',\n       at-least: 2}",
            7,
            "`promote.statuses[1].at-least`: there is only one status of the name '{cluster}', and never 2",
        ),
        ("images: {'a.example/**/b/**': 'b.example/x'}", 4, None),
        ("images: {'a.example/x': 'b.example/X'}", 4, None),
        (
            "images: {'a.example/*': 'b.example/**'}",
            4,
            "`promote.images.a.example/*`: 'a.example/*' and 'b.example/**' must have the same wildcards, "
            "in the same order",
        ),
    ],
)
def test_a_promotion_without_a_meaning_is_told_with_its_line(promote: str, line: int, message: str | None) -> None:
    content = f"overlays: ['{{cluster}}/{{team}}/x', '{{cluster}}/y']\npromote:\n  from: test\n  {promote}\n"
    (error,) = loaded(test=SMALL, staging=content).errors
    assert error.at == Location("environments/staging.yaml", line)
    assert message is None or error.message == message


def test_captures_that_all_overlays_have_may_be_filled_into_statuses() -> None:
    content = "overlays: ['{cluster}/x', '{cluster}/y']\npromote: {from: test, statuses: ['{service}-{cluster}']}\n"
    assert loaded(test=SMALL, staging=content).errors == ()


def test_statuses_are_not_blamed_for_captures_of_a_wrong_overlay_glob() -> None:
    content = "overlays: '{x}/{x}'\npromote: {from: test, statuses: ['{x}']}\n"
    assert len(errors(test=SMALL, staging=content)) == 1


def test_follow_and_promote_exclude_each_other() -> None:
    found = errors(test=SMALL, both=SMALL + "promote:\n  from: test\n")
    assert found == ["environments/both.yaml:3: `promote`: not together with `follow`"]


@pytest.mark.parametrize("content", ["overlays: o\n", "overlays: o\nfollow: []\n"])
def test_an_environment_that_nothing_can_reach_is_an_error(content: str) -> None:
    assert errors(test=content) == [
        "environments/test.yaml:1: nothing can ever land here: there is neither `follow` nor `promote`"
    ]


def test_pull_request_settings_are_fine_beside_pull_requests_that_follow() -> None:
    assert errors(test=SMALL + "deliver: pull-request\npull-request: {draft: true}\n") == []


GOOD_BRANCHES = ["main", "release/1.4", "a@b", "ünï", "a.b", "a-", "@a", "x.locks"]
BAD_BRANCHES = [
    *("a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a..b", "a@{1}", "a//b", "/a", "a/", "a.", ".a", "a/.b"),
    *("a.lock", "a.lock/b", "@", "-a", "HEAD", "a\tb", "a\x7f"),
]


@pytest.mark.parametrize("branch", GOOD_BRANCHES)
def test_a_branch_that_git_allows_is_allowed(branch: str) -> None:
    assert loaded(test=f"{SMALL}branch: '{branch}'\n").environments[0].branch == branch


@pytest.mark.parametrize("branch", BAD_BRANCHES)
def test_a_branch_that_git_does_not_allow_is_an_error(branch: str) -> None:
    quoted = branch.replace("\\", "\\\\").replace("\x7f", "\\x7f").replace("\t", "\\t")
    assert "is no name that git allows" in only_error(f'{SMALL}branch: "{quoted}"\n').message


# All errors, and the graph


def test_a_broken_environment_stops_itself_alone() -> None:
    configuration = loaded(test=SMALL, broken="overlays: [\n", other=SMALL)
    assert [environment.name for environment in configuration.environments] == ["other", "test"]
    assert [error.at.path for error in configuration.errors if error.at] == ["environments/broken.yaml"]


def test_two_hundred_errors_in_one_file_are_all_told_in_the_order_of_its_lines() -> None:
    holds = "".join(f"  - {{service: s{n}, raeson: x}}\n" for n in range(100))
    found = loaded(test=SMALL + "hold:\n" + holds).errors
    assert len(found) == 200
    lines = [error.at.line for error in found if error.at and error.at.line]
    assert lines == sorted(lines)
    assert set(lines) == set(range(4, 104))


def test_what_does_not_fit_does_not_hide_what_makes_no_sense_elsewhere() -> None:
    found = errors(test=SMALL + "hold: [{service: a, reason: b, until: x}]\nbrnch: x\nfreeze: [{from: x}]\n")
    assert [text.split(": ")[0] for text in found] == [f"environments/test.yaml:{line}" for line in (3, 4, 5)]


def test_errors_are_sorted_by_file_and_line() -> None:
    assert [text.split(" ")[0] for text in errors(b="x: 1\n" + SMALL, a=SMALL + "x: 1\n", c="")] == [
        "environments/a.yaml:3:",
        "environments/b.yaml:1:",
        "environments/c.yaml:1:",
    ]


def test_a_circle_is_told_at_the_line_of_its_from() -> None:
    a = "overlays: o\npromote:\n  soak: 1h\n  from: b\n"
    b = "overlays: o\npromote:\n  from:\n    - test\n    - a\n"
    configuration = loaded(a=a, b=b, test=SMALL)
    assert [str(error) for error in configuration.errors] == [
        "environments/a.yaml:4: `promote.from` leads in a circle: a -> b -> a",
        "environments/b.yaml:5: `promote.from` leads in a circle: b -> a -> b",
    ]
    assert [environment.name for environment in configuration.environments] == ["test"]


def test_promoting_from_a_broken_environment_is_told_but_its_file_comes_first_to_mend() -> None:
    configuration = loaded(staging="overlays: o\npromote: {from: test}\n", test="overlays: 3\n")
    assert [(str(error), error.hint) for error in configuration.errors][0] == (
        "environments/staging.yaml:2: `staging` promotes from `test`, which is broken itself",
        "mend environments/test.yaml first",
    )
    assert configuration.environments == ()


def test_a_misnamed_file_breaks_what_promotes_from_it_only_where_no_good_one_stands() -> None:
    staging = "overlays: o\npromote: {from: test}\n"
    files = {"environments/test.yml": SMALL, "environments/staging.yaml": staging}
    assert len(load(MemoryTree(files), "main").errors) == 2
    assert len(load(MemoryTree({**files, "environments/test.yaml": SMALL}), "main").environments) == 2


def test_roots_that_disagree_are_told_at_from() -> None:
    other = "overlays: o\nfollow: [{image: '**', order: numerical}]\n"
    found = errors(test=SMALL, other=other, staging="overlays: o\npromote:\n  from: [test, other]\n")
    assert found[0].startswith("environments/staging.yaml:3: `staging` gets its versions from `other` and `test`, ")


def test_an_error_of_a_kind_that_we_have_no_words_for_still_names_the_key() -> None:
    assert problem(("hold", 2, "until"), "date_past", "x", {}).message == "`hold[2].until`: date_past"


YAML_VALUES = st.recursive(
    st.sampled_from(
        ["x", "'**'", "3", "1.5", "true", "", "[]", "{}", "test", "pull-request", "2026-01-01", "FRI 16:00"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(
            st.sampled_from(["image", "from", "to", "service", "context", "soak", "statuses"]), inner
        ).map(lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}")
    ),
    max_leaves=8,
)
KEYS = st.sampled_from([*Environment.__dataclass_fields__, "pull-request", "folow", "<<"])


@given(st.dictionaries(KEYS, YAML_VALUES))
def test_a_file_of_any_shape_is_an_environment_or_has_an_error_with_a_line(pairs: dict[str, str]) -> None:
    configuration = loaded(test="".join(f"{key}: {value}\n" for key, value in pairs.items()))
    assert len(configuration.environments) == (0 if configuration.errors else 1)
    assert all(error.at is not None and error.at.line for error in configuration.errors)
    assert all(error.message.isprintable() and "\n" not in str(error) for error in configuration.errors)


@given(st.binary())
@example(b"\xfe\xff\x00a")
@example(b"\x00")
@example(b"a: \x1b[31m")
@example(b"a: \xc2\x85b\xe2\x80\xa8: c")
@example(b"? [a]\n: b")
def test_junk_is_an_error_with_its_file(content: bytes) -> None:
    configuration = loaded(test=content)
    assert configuration.environments == ()
    assert {error.at.path for error in configuration.errors if error.at} == {"environments/test.yaml"}


def test_an_environment_does_not_live_on_a_branch_of_pull_requests() -> None:
    (error,) = errors(test="branch: updater/test/live\noverlays: o/{service}\nfollow: [{image: x/y}]\n")
    assert error == "environments/test.yaml:1: `branch`: branches in `updater/` are those of pull requests"
