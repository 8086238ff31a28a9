"""What is said before a service begins."""

from __future__ import annotations

import logging
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.helpers.events import at, pushed
from updater import settings
from updater.adapters import git, storage
from updater.adapters.inbox import Inbox
from updater.errors import UsageError
from updater.service import settings as service_settings
from updater.service.crew import crew


def made(tmp_path: Path, **more: str) -> None:
    environ = {"UPDATER_REPO": str(tmp_path / "gitops.git"), "UPDATER_STATE_DIR": str(tmp_path), **more}
    with ExitStack() as stack:
        crew(settings.read(environ), service_settings.read({}), environ, {}, lambda: at(0), stack)


def test_a_forge_that_nobody_knows_is_named_before_anything_is_begun(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="UPDATER_FORGE is 'svn'"):
        made(tmp_path, UPDATER_FORGE="svn")


def test_without_a_repository_nothing_is_begun() -> None:
    with ExitStack() as stack, pytest.raises(UsageError, match="no repository is named"):
        crew(settings.read({}), service_settings.read({}), {}, {}, lambda: at(0), stack)


def test_events_that_were_accepted_under_another_address_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = storage.inbox_file(git.remote("https://git.example.org/gitops.git"), tmp_path)
    with closing(Inbox(other, lambda: at(0))) as inbox:
        inbox.put([pushed("1.0"), pushed("1.1")])
    with caplog.at_level(logging.WARNING):
        made(tmp_path)
    (record,) = caplog.records
    assert record.getMessage() == f"2 accepted event(s) wait in {other}, for another UPDATER_REPO than this"


def test_an_empty_inbox_of_another_address_is_nobodys_business(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Inbox(storage.inbox_file(git.remote("https://git.example.org/x.git"), tmp_path), lambda: at(0)).close()
    with caplog.at_level(logging.WARNING):
        made(tmp_path)
    assert not caplog.records
