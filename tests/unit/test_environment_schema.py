"""The JSON Schema for editors says the same as the loader, and explains every key."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.helpers.trees import MemoryTree
from updater.config import json_schema, load
from updater.config.problems import SECTIONS
from updater.core.environment import key_of

SCHEMA = json_schema()
SECTION_SCHEMAS: dict[str, Any] = {"Environment": SCHEMA, **SCHEMA["$defs"]}
FOLLOWING: dict[str, Any] = {
    "overlays": "apps/test/{service}",
    "branch": "deploy",
    "entries": ["*", "!*-canary"],
    "follow": [
        {
            "image": "reg.example/acme/models/*",
            "order": "semver",
            "range": ">=1.0.0 <2",
            "prereleases": True,
            "tags": "^v?(?P<key>.+)$",
            "ignore": ["-debug$"],
            "pin": "digest",
            "confirm": True,
            "signed-by": {"key": ["keys/new.pub", "keys/old.pub"]},
        },
        {"image": "**", "range": None, "tags": None},
    ],
    "deliver": "pull-request",
    "verify": "parse",
    "paused": True,
}
PROMOTING: dict[str, Any] = {
    "overlays": ["apps/staging/{service}"],
    "promote": {
        "from": ["test"],
        "soak": "30m",
        "statuses": ["smoke-test", {"context": "argocd/{service}-*", "at-least": 2}],
        "images": {"reg.example/models/*": "prod.example/models/*"},
    },
    "deliver": "pull-request",
    "pull-request": {
        "per": "environment",
        "move": "never",
        "labels": ["promotion"],
        "reviewers": ["alice", "team:ml-platform"],
        "draft": False,
        "max-open": 1,
        "merge": "when-green",
        "method": "rebase",
    },
    "freeze": [
        {"from": "2026-12-20", "to": "2027-01-03", "timezone": "UTC", "reason": "holidays"},
        {"from": "FRI 16:00", "to": "MON 06:00"},
    ],
    "paused": "until Monday",
    "hold": [{"service": "model-*", "reason": "INC-42", "image": "reg.example/a", "until": "2026-12-01"}],
    "release": [{"service": "a", "image": "reg.example/a", "version": "1.4.0", "reason": "fixed"}],
}
SMALL: dict[str, Any] = {"overlays": "o", "follow": [{"image": "**"}]}
STAGING: dict[str, Any] = {"overlays": "o", "promote": {"from": "test"}}


def accepted_by_schema(content: Any) -> bool:
    return bool(Draft202012Validator(SCHEMA).is_valid(content))


def accepted_by_load(content: Any) -> bool:
    test = json.dumps(SMALL)
    files = {"environments/it.yaml": json.dumps(content), "environments/test.yaml": test}
    return load(MemoryTree(files), "main").errors == ()


def test_it_is_a_schema_of_draft_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("content", [FOLLOWING, PROMOTING, SMALL, STAGING, *SCHEMA["examples"]])
def test_good_files_pass_the_schema_and_the_loader(content: Any) -> None:
    assert accepted_by_schema(content)
    assert accepted_by_load(content)


def test_the_good_files_have_every_key_there_is() -> None:
    together = {**FOLLOWING, **PROMOTING}
    examples = {kind: _section(together, shape) for shape, kind in SECTIONS.items()}
    for kind, example in examples.items():
        assert {key_of(field.name) for field in fields(kind)} == set(example)


def _section(content: Any, shape: tuple[str, ...]) -> dict[str, Any]:
    """The first mapping at `shape`."""
    for part in shape:
        content = next(item for item in content if isinstance(item, dict)) if part == "[]" else content[part]
    found: dict[str, Any] = content
    return found


@pytest.mark.parametrize(
    "content",
    [
        [],
        None,
        "overlays",
        {},
        {"overlays": "o"},
        {"follow": [{"image": "**"}]},
        {**SMALL, "promote": {"from": "test"}},
        {**SMALL, "folow": []},
        {**SMALL, "pull_request": {}},
        {**SMALL, "from_": "x"},
        {**SMALL, "overlays": []},
        {**SMALL, "overlays": ""},
        {**SMALL, "overlays": [""]},
        {**SMALL, "overlays": 3},
        {**SMALL, "branch": 3},
        {**SMALL, "entries": "a"},
        {**SMALL, "follow": {}},
        {**SMALL, "follow": [{}]},
        {**SMALL, "follow": [{"image": "**", "order": "newest"}]},
        {**SMALL, "follow": [{"image": "**", "prereleases": "true"}]},
        {**SMALL, "follow": [{"image": "**", "pin": None}]},
        {**SMALL, "follow": [{"image": "**", "confirm": "yes"}]},
        {**SMALL, "follow": [{"image": "**", "signed-by": {}}]},
        {**SMALL, "follow": [{"image": "**", "signed-by": {"key": []}}]},
        {**SMALL, "follow": [{"image": "**", "signed-by": "cosign.pub"}]},
        {**SMALL, "deliver": "merge-request"},
        {**SMALL, "verify": True},
        {**SMALL, "pull-request": {"max-open": 0}},
        {**SMALL, "pull-request": {"max-open": "20"}},
        {**SMALL, "pull-request": {"method": "ff"}},
        {**SMALL, "paused": 1},
        {**SMALL, "freeze": [{"from": "2026-01-01"}]},
        {**SMALL, "hold": [{"service": "a", "reason": ""}]},
        {**SMALL, "release": [{"service": "a", "image": "b", "version": 1.1}]},
        {**STAGING, "promote": {"from": []}},
        {**STAGING, "promote": {"from": "test", "soak": 30}},
        {**STAGING, "promote": {"from": "test", "statuses": [{"at-least": 2}]}},
        {**STAGING, "promote": {"from": "test", "statuses": [{"context": "a", "at-least": 0}]}},
        {**STAGING, "promote": {"from": "test", "images": ["a"]}},
        {**STAGING, "promote": {"from": "test", "images": {"a": 1}}},
    ],
)
def test_bad_files_fail_the_schema_and_the_loader(content: Any) -> None:
    assert not accepted_by_schema(content)
    assert not accepted_by_load(content)


def test_there_is_a_schema_for_each_section_and_it_allows_no_other_keys() -> None:
    assert set(SECTION_SCHEMAS) == {kind.__name__ for kind in SECTIONS.values()}
    assert all(each["additionalProperties"] is False for each in SECTION_SCHEMAS.values())


def test_every_section_and_every_key_is_described() -> None:
    bare = [
        f"{title}.{key}"
        for title, each in SECTION_SCHEMAS.items()
        for key, value in {"": each, **each["properties"]}.items()
        if not value.get("description", "").endswith(".")
    ]
    assert bare == []


def test_no_key_has_an_underscore() -> None:
    assert [key for each in SECTION_SCHEMAS.values() for key in each["properties"] if "_" in key] == []
    assert "from" in SCHEMA["$defs"]["Promote"]["properties"]


@pytest.mark.parametrize(("title", "kind"), [(kind.__name__, kind) for kind in SECTIONS.values()])
def test_defaults_in_the_schema_are_those_of_the_loader_and_pass_it(title: str, kind: type) -> None:
    properties = SECTION_SCHEMAS[title]["properties"]
    defaults = {key_of(each.name): each.default for each in fields(kind) if each.default is not MISSING}
    told = {key: each["default"] for key, each in properties.items() if "default" in each}
    assert told == {key: list(value) if isinstance(value, tuple) else value for key, value in defaults.items()}
    for key, value in told.items():
        assert Draft202012Validator({**properties[key], "$defs": SCHEMA["$defs"]}).is_valid(value)


@pytest.mark.parametrize(
    ("field", "key"), [("from_", "from"), ("max_open", "max-open"), ("pull_request", "pull-request"), ("to", "to")]
)
def test_a_field_stands_for_the_key_with_hyphens(field: str, key: str) -> None:
    assert key_of(field) == key
