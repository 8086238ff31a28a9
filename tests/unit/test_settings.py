"""Settings from the environment: every variable, secrets from files, and errors that name the variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from updater import settings
from updater.errors import UsageError
from updater.model import Identity

OURS = Identity("manifest-updater", "manifest-updater@localhost")
ANA = Identity("Ana B.", "ana+git@example.org")


def test_without_variables_there_are_defaults() -> None:
    found = settings.read({"HOME": "/h"})
    assert found == settings.Settings(None, None, Path("/h/.cache/manifest-updater"), None, None, OURS, OURS, 120.0)


def test_every_variable_is_read() -> None:
    found = settings.read(
        {
            "UPDATER_REPO": "https://example.org/x.git",
            "UPDATER_FORGE": "local",
            "UPDATER_STATE_DIR": "/state",
            "UPDATER_GIT_USERNAME": "bot",
            "UPDATER_GIT_PASSWORD": "hush",
            "UPDATER_AUTHOR": "Ana B. <ana+git@example.org>",
            "UPDATER_COMMITTER": "Robot <robot@example.org>",
            "UPDATER_GIT_TIMEOUT": "2.5",
        }
    )
    robot = Identity("Robot", "robot@example.org")
    assert found == settings.Settings(
        "https://example.org/x.git", "local", Path("/state"), "bot", "hush", ANA, robot, 2.5
    )


def test_empty_variables_count_as_not_set() -> None:
    names = (
        "UPDATER_REPO", "UPDATER_FORGE", "UPDATER_STATE_DIR", "UPDATER_GIT_USERNAME", "UPDATER_GIT_PASSWORD",
        "UPDATER_GIT_PASSWORD_FILE", "UPDATER_AUTHOR", "UPDATER_COMMITTER", "UPDATER_GIT_TIMEOUT", "XDG_CACHE_HOME",
    )  # fmt: skip
    assert settings.read({"HOME": "/h", **dict.fromkeys(names, "")}) == settings.read({"HOME": "/h"})


def test_the_committer_is_the_author_unless_it_is_named() -> None:
    found = settings.read({"UPDATER_AUTHOR": "Ana B.<ana+git@example.org> "})
    assert (found.author, found.committer) == (ANA, ANA)
    assert settings.read({"UPDATER_COMMITTER": "Ana B. <ana+git@example.org>"}).author == OURS


@pytest.mark.parametrize(
    ("environ", "state"),
    [
        ({"UPDATER_STATE_DIR": "~/s"}, "~/s"),
        ({"UPDATER_STATE_DIR": "s", "XDG_CACHE_HOME": "/c"}, "s"),
        ({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, "/c/manifest-updater"),
        ({"HOME": "/h"}, "/h/.cache/manifest-updater"),
        ({}, "/var/cache/.cache/manifest-updater"),
    ],
)
def test_the_state_folder_is_named_or_lies_in_the_cache_of_the_user(environ: dict[str, str], state: str) -> None:
    assert settings.read(environ).state == Path(state).expanduser().absolute()


@pytest.mark.parametrize(
    ("content", "password"), [("hush\n", "hush"), (" hush \r\n", " hush "), ("", None), ("\n", None)]
)
def test_a_password_may_be_in_a_file(tmp_path: Path, content: str, password: str | None) -> None:
    file = tmp_path / "password"
    file.write_bytes(content.encode())
    assert settings.read({"UPDATER_GIT_PASSWORD_FILE": str(file)}).password == password


def test_the_file_comes_before_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("new")
    environ = {"UPDATER_GIT_PASSWORD": "old", "UPDATER_GIT_PASSWORD_FILE": str(file)}
    assert settings.read(environ).password == "new"


def test_the_password_is_not_in_what_is_shown_of_settings() -> None:
    assert "hush" not in repr(settings.read({"UPDATER_GIT_PASSWORD": "hush"}))


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_password_file_that_cannot_be_read_is_named_without_its_content(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match="^UPDATER_GIT_PASSWORD_FILE: ") as caught:
        settings.read({"UPDATER_GIT_PASSWORD_FILE": str(file)})
    assert str(file) in caught.value.message


@pytest.mark.parametrize("name", ["UPDATER_AUTHOR", "UPDATER_COMMITTER"])
@pytest.mark.parametrize(
    "text", ["Ana", "<ana@example.org>", "Ana <>", "Ana <a b>", "Ana <a> x", "A\nna <a@b>", "Ana <a@b\n>", "A<b> <c>"]
)
def test_a_name_that_git_could_not_carry_is_refused(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=f"^{name} is ") as caught:
        settings.read({name: text})
    assert "Name <name@example.org>" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", "86400", "1e9", "1m"])
def test_a_time_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f"^UPDATER_GIT_TIMEOUT is '{text}'") as caught:
        settings.read({"UPDATER_GIT_TIMEOUT": text})
    assert "seconds" in str(caught.value.hint)
