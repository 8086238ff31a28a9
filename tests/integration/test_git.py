"""git's own commands against real remotes: what is refused, what is said, and where credentials may be seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.git_server import FETCH, GitServer
from tests.helpers.processes import git_ends, running_git
from updater.adapters.git import Git, Remote, remote
from updater.errors import GitError, RemoteUnavailable, UsageError
from updater.forge import Credentials

SECRET = "p@ss word/with:signs%"  # what a person may choose; has to be quoted in a URL
QUOTED = "p%40ss%20word%2Fwith%3Asigns%25"
FILES = {"overlays/test/model-a/kustomization.yaml": "images: []\n"}


@contextmanager
def guarded(folder: Path) -> Iterator[GitServer]:
    """A server with one repository that asks for a password."""
    gitops.remote(folder / "gitops.git", FILES)
    with GitServer(folder, credentials=("bot", SECRET)) as server:
        yield server


def heads(where: Remote, folder: Path) -> list[str]:
    listing = Git(where, folder).check("ls-remote", "--heads", "--", where.url).decode()
    return [line.partition("\t")[2] for line in listing.splitlines()]


def failure(where: Remote, folder: Path) -> GitError:
    with pytest.raises(GitError) as caught:
        heads(where, folder)
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "",
        "--upload-pack=touch /x",
        "-",
        "https://example.org/a\nb",
        "ext::sh -c touch% /x",
        "ext://sh",
        "fd::17",
        "::x",
        "ftp://example.org/x.git",
        "http+unix://x",
        "https://[::1/x.git",
        "https://bot:a%0ab@example.org/x.git",
        "https://bot:a%00b@example.org/x.git",
        "ssh://bot:secret@example.org/x.git",
        "https://bot:secret/word@example.org/x.git",
        "ssh://-oProxyCommand=x/y",
    ],
)
def test_what_is_no_repository_or_runs_a_command_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        remote(url)
    assert "secret" not in str(caught.value)


def test_the_refusal_of_an_unreadable_url_does_not_repeat_its_password() -> None:
    with pytest.raises(UsageError) as caught:
        remote("https://bot:hush@example.org/a\x07b")
    assert "hush" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/x.git",
        "ssh://git@example.org:22/x.git",
        "git@example.org:acme/x.git",
        "work:acme/x.git",
        "example.org:x.git",
    ],
)
def test_urls_and_the_short_form_of_ssh_are_taken_as_they_are(url: str) -> None:
    assert remote(url) == Remote(url)


def test_what_has_a_colon_is_a_path_where_there_is_such_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work:x.git").mkdir()
    assert remote("work:x.git").url == str(tmp_path / "work:x.git")
    assert remote("./a:b").url == str(tmp_path / "a:b")


def test_a_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert remote("x.git").url == str(tmp_path / "x.git")


def test_a_host_that_would_be_an_option_of_ssh_is_read_as_a_path() -> None:
    assert remote("git@-oProxyCommand=x:y").url == str(Path.cwd() / "git@-oProxyCommand=x:y")


def test_a_transport_that_runs_programs_is_refused_even_where_gits_own_settings_lead_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f'[url "ext::touch {tmp_path}/ran "]\n\tinsteadOf = https://example.org/\n[protocol]\n\tallow = always\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert "not allowed" in str(failure(remote("https://example.org/x.git"), tmp_path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("inside", [f"bot:{QUOTED}", "bot", ""])
def test_user_and_password_are_taken_from_the_url_or_from_settings(tmp_path: Path, inside: str) -> None:
    with guarded(tmp_path) as server:
        username, password = (None, None) if ":" in inside else ("bot", SECRET)
        where = remote(server.url(credentials=inside), username=username, password=password)
        assert where.url == server.url()
        assert heads(where, tmp_path) == ["refs/heads/main"]
        assert server.requests[-1].user == "bot"


@pytest.mark.parametrize("password", ["wrong", None])
def test_a_wrong_or_missing_password_is_told_with_what_to_do(tmp_path: Path, password: str | None) -> None:
    with guarded(tmp_path) as server:
        error = failure(remote(server.url(), username="bot", password=password), tmp_path)
    assert "does not let us in" in error.message
    assert "UPDATER_GIT_PASSWORD" in str(error.hint)
    assert not error.retry


def test_a_password_is_sent_to_no_other_host_than_the_remotes(tmp_path: Path) -> None:
    with guarded(tmp_path) as server:
        elsewhere = Git(remote("http://example.org/x.git", username="bot", password=SECRET), tmp_path)
        finished = elsewhere.run("ls-remote", server.url())
    assert "could not read" in finished.message()
    assert {request.user for request in server.requests} == {None}


def test_credentials_are_in_no_message_and_no_representation(tmp_path: Path) -> None:
    with guarded(tmp_path) as server:
        where = remote(server.url("missing.git", credentials=f"bot:{QUOTED}"), seconds=20)
        told = f"{failure(where, tmp_path)} {where!r}"
    assert where.password == SECRET
    assert SECRET not in told
    assert QUOTED not in told


def test_a_token_given_as_user_name_is_not_shown_either() -> None:
    assert "token" not in repr(remote("https://token@example.org/x.git"))


def test_credentials_are_in_no_argument_list(tmp_path: Path) -> None:
    with guarded(tmp_path) as server:
        server.faults["GET"] = "hang"
        where = remote(server.url(credentials=f"bot:{QUOTED}"))
        failures: list[GitError] = []
        asking = threading.Thread(target=lambda: failures.append(failure(where, tmp_path)))
        asking.start()
        server.wait_for_request()
        commands = running_git()
        server.stop()
        asking.join()
    assert any("ls-remote" in command for command in commands)
    assert not any(word in part for command in commands for part in command for word in (SECRET, QUOTED))
    assert isinstance(failures[0], RemoteUnavailable)


def test_credentials_that_change_are_asked_for_before_each_command_that_needs_them(tmp_path: Path) -> None:
    with guarded(tmp_path) as server:
        given = [Credentials("bot", SECRET), Credentials("bot", "expired"), Credentials("bot", SECRET)]
        where = Remote(server.url(), credentials=lambda: given.pop(0))
        assert heads(where, tmp_path) == ["refs/heads/main"]
        assert "does not let us in" in failure(where, tmp_path).message
        assert heads(where, tmp_path) == ["refs/heads/main"]
    assert given == []


def test_a_command_that_stays_here_asks_for_no_credentials(tmp_path: Path) -> None:
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    asked: list[str] = []

    def ask() -> Credentials | None:
        asked.append("asked")
        return Credentials("bot", SECRET)

    seen = Git(Remote("https://example.org/x.git", credentials=ask), bare)
    assert seen.check("rev-parse", "refs/heads/main").decode().strip() == gitops.tip(bare)
    assert asked == []


def test_a_password_that_was_given_comes_before_those_that_change(tmp_path: Path) -> None:
    with guarded(tmp_path) as server:
        where = Remote(server.url(), "bot", SECRET, credentials=lambda: Credentials("bot", "wrong"))
        assert heads(where, tmp_path) == ["refs/heads/main"]


def test_where_none_are_to_be_had_git_uses_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with guarded(tmp_path) as server:
        settings = {
            "COUNT": "1",
            "KEY_0": "credential.helper",
            "VALUE_0": f"!echo username=bot; echo 'password={SECRET}';:",
        }
        for name, value in settings.items():
            monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
        assert heads(Remote(server.url(), credentials=lambda: None), tmp_path) == ["refs/heads/main"]


def test_credentials_that_change_are_in_no_message_and_no_representation() -> None:
    tokens = ["hush1", "hush 2"]
    where = Remote("https://example.invalid/x.git", credentials=lambda: Credentials("bot", tokens.pop(0)))
    git = Git(where, Path("/"))
    for said in ("remote: no hush1", "remote: no hush 2 or hush%202"):
        assert git.run("ls-remote", "--", "x").code != 0
        assert "hush" not in git.without_secrets(said)
    assert "hush" not in repr(where)
    assert "hush" not in repr(Credentials("bot", "hush"))


def test_a_remote_that_hangs_is_given_up_and_leaves_no_process(tmp_path: Path) -> None:
    gitops.remote(tmp_path / "gitops.git", FILES)
    with GitServer(tmp_path) as server:
        server.faults[FETCH] = "hang"
        error = failure(remote(server.url(), seconds=0.5), tmp_path)
        assert isinstance(error, RemoteUnavailable)
        assert "within 0.5 s" in error.message
        assert "UPDATER_GIT_TIMEOUT" in str(error.hint)
        assert git_ends()


def test_a_slow_remote_is_waited_for(tmp_path: Path) -> None:
    gitops.remote(tmp_path / "gitops.git", FILES)
    with GitServer(tmp_path) as server:
        server.delay = 0.2
        assert heads(remote(server.url(), seconds=30), tmp_path) == ["refs/heads/main"]


def test_a_remote_that_is_down_or_out_of_order_may_be_tried_again(tmp_path: Path) -> None:
    gitops.remote(tmp_path / "gitops.git", FILES)
    with GitServer(tmp_path) as server:
        server.faults[FETCH] = "unavailable"
        assert isinstance(failure(remote(server.url()), tmp_path), RemoteUnavailable)
        server.faults.clear()
        server.stop()
        assert isinstance(failure(remote(server.url()), tmp_path), RemoteUnavailable)
        server.start()
        assert heads(remote(server.url()), tmp_path) == ["refs/heads/main"]


def test_a_repository_that_is_not_there_is_told_in_one_useful_line(tmp_path: Path) -> None:
    gitops.remote(tmp_path / "gitops.git", FILES)
    with GitServer(tmp_path) as server:
        over_http = failure(remote(server.url("other.git")), tmp_path)
    on_disk = failure(remote(str(tmp_path / "other.git")), tmp_path)
    for error in (over_http, on_disk):
        assert error.message.startswith("there is no git repository at ")
        assert "other.git" in error.message.partition(": ")[2]
        assert "UPDATER_REPO" in str(error.hint)


def test_without_git_there_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not installed"):
        Git(Remote("x"), tmp_path).run("version")


def test_git_sees_no_variables_but_those_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_SECRET", "hush")
    monkeypatch.setenv("GIT_WORK_TREE", "/elsewhere")
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -i key")
    seen = Git(Remote("x"), tmp_path).check("-c", "alias.vars=!env", "vars").decode()
    assert "hush" not in seen
    assert "/elsewhere" not in seen
    assert "GIT_SSH_COMMAND=ssh -i key\n" in seen


def test_settings_given_to_git_in_the_environment_stay_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"COUNT": "1", "KEY_0": "user.name", "VALUE_0": "carol"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    where = Remote("https://example.org/x.git", "bot", SECRET)
    assert Git(where, tmp_path).check("config", "user.name") == b"carol\n"


def test_a_command_never_reaches_a_repository_around_its_folder(tmp_path: Path) -> None:
    around = gitops.remote(tmp_path / "around.git", FILES)
    inside = around / "state" / "mirror.git"
    inside.mkdir(parents=True)
    assert Git(Remote("x"), inside).run("rev-parse", "refs/heads/main").code != 0
