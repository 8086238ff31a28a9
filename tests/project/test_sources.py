"""Whoever sets up a sender finds it in the documentation, and nothing there is made up."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from updater.decoders import generic, status
from updater.decoders.envelopes import unwrap
from updater.model import Delivery
from updater.protocols import Decoder

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "sources.md").read_text()
SOURCES = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["updater.decoders"])
FORM = {"content-type": "application/x-www-form-urlencoded"}  # as curl sends data, if it is not told otherwise


def test_each_source_has_a_section() -> None:
    headings = re.findall(r"^### (.*?):", DOCUMENT, re.MULTILINE)
    assert {source for heading in headings for source in re.findall(r"`([a-z-]+)`", heading)} == SOURCES


def test_every_address_is_that_of_a_source() -> None:
    assert set(re.findall(r"/hooks/([a-z-]+)", DOCUMENT)) <= SOURCES


def test_every_setting_exists() -> None:
    code = "".join(path.read_text() for path in (ROOT / "updater").rglob("*.py"))
    named = set(re.findall(r"UPDATER_[A-Z_]+[A-Z]", DOCUMENT))
    assert {name for name in named if not name.startswith("UPDATER_HOOK_SECRET")} <= set(
        re.findall(r"UPDATER_\w+", code)
    )


@pytest.mark.parametrize(("source", "decode"), [("generic", generic.decode), ("status", status.decode)])
def test_what_the_examples_send_by_curl_is_understood(source: str, decode: Decoder) -> None:
    body = re.search(rf"hooks/{source} -H .*? -d '(.*?)'", DOCUMENT, re.DOTALL)
    assert body is not None
    decoded = decode(unwrap(Delivery(source, body[1].encode(), datetime(2026, 11, 21, tzinfo=UTC), FORM)))
    assert decoded.events or decoded.reported


def test_the_template_for_argo_cd_makes_json() -> None:
    template = re.search(r"body: \|\n(.*?)```", DOCUMENT, re.DOTALL)
    assert template is not None
    assert json.loads(template[1]).keys() == {"app", "revision", "phase", "health"}
