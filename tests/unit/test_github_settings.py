"""Which repository on which GitHub, and as whom: from the URL of the remote and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from updater.errors import UsageError
from updater.forges.github.settings import App, place

TOKEN = {"UPDATER_GITHUB_TOKEN": "ghp_hush"}
HUB = "https://github.com/acme/gitops.git"


@pytest.mark.parametrize(
    "url",
    [
        HUB,
        "https://github.com/acme/gitops",
        "https://github.com/acme/gitops/",
        "https://GitHub.com/acme/gitops.git/",
        "ssh://git@github.com/acme/gitops.git",
        "ssh://git@ssh.github.com:443/acme/gitops.git",
        "git@github.com:acme/gitops.git",
        "github.com:acme/gitops",
        "git@work:/acme/gitops.git",
    ],
)
def test_owner_and_name_are_read_from_every_form_of_url(url: str) -> None:
    found = place(url, TOKEN)
    assert (found.owner, found.name, found.repository) == ("acme", "gitops", "acme/gitops")
    assert found.api == "https://api.github.com"


@pytest.mark.parametrize(("name", "read"), [("a.git.git", "a.git"), ("a.b-c_D", "a.b-c_D"), (".github", ".github")])
def test_a_name_may_have_dots(name: str, read: str) -> None:
    assert place(f"https://github.com/acme/{name}", TOKEN).name == read


@pytest.mark.parametrize(
    "url",
    [
        "/srv/gitops.git",
        "gitops",
        "https://github.com/acme",
        "https://github.com/acme/group/gitops",
        "https://github.com/acme/..",
        "https://github.com/acme/..git",
        "https://github.com/acme/.git",
        "https://github.com/acme/git ops",
        "https://github.com/acme/git%2fops",
        "file:///acme",
    ],
)
def test_what_names_no_owner_and_repository_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is no repository on GitHub") as caught:
        place(url, TOKEN)
    assert "UPDATER_FORGE" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("url", "api", "takes_token"),
    [
        (HUB, None, True),
        (HUB, "https://api.github.com/", True),
        ("https://ghe.example/acme/gitops.git", "https://ghe.example/api/v3/", True),
        ("https://ghe.example:8443/acme/gitops.git", "https://GHE.example:8443/api/v3", True),
        ("https://acme.ghe.com/acme/gitops", "https://api.acme.ghe.com", True),
        ("git@github.com:acme/gitops.git", None, False),
        ("https://evil.example/acme/gitops", "https://ghe.example/api/v3", False),
        ("https://github.com/acme/gitops", "https://ghe.example/api/v3", False),
        ("http://127.0.0.1:80/acme/gitops", "http://127.0.0.1:90/api/v3", True),
    ],
)
def test_git_gets_the_token_for_the_host_of_the_api_alone(url: str, api: str | None, takes_token: bool) -> None:
    environ = TOKEN if api is None else {**TOKEN, "UPDATER_GITHUB_API": api}
    assert place(url, environ).takes_token is takes_token


def test_another_host_needs_the_address_of_its_api() -> None:
    with pytest.raises(UsageError, match="^UPDATER_GITHUB_API is not set, and ghe.example is not") as caught:
        place("https://ghe.example/acme/gitops", TOKEN)
    assert "https://HOST/api/v3" in str(caught.value.hint)


@pytest.mark.parametrize(
    "api",
    ["http://ghe.example/api/v3", "ghe.example/api/v3", "https://", "ftp://x/y", "https://me:hush@ghe.example/api/v3"],
)
def test_an_address_to_which_no_token_may_go_is_refused(api: str) -> None:
    with pytest.raises(UsageError, match="^UPDATER_GITHUB_API") as caught:
        place(HUB, {**TOKEN, "UPDATER_GITHUB_API": api})
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "what"),
    [
        ({}, "nothing says who asks GitHub"),
        ({"UPDATER_GITHUB_TOKEN": ""}, "nothing says who asks GitHub"),
        ({"UPDATER_GITHUB_APP_ID": "1"}, "both are needed"),
        ({"UPDATER_GITHUB_APP_KEY": "hush"}, "both are needed"),
        ({**TOKEN, "UPDATER_GITHUB_APP_ID": "1"}, "set one of them"),
        ({**TOKEN, "UPDATER_GITHUB_APP_ID": "1", "UPDATER_GITHUB_APP_KEY": "hush"}, "set one of them"),
    ],
)
def test_one_token_or_one_app_is_needed(environ: dict[str, str], what: str) -> None:
    with pytest.raises(UsageError) as caught:
        place(HUB, environ)
    names = "UPDATER_GITHUB_TOKEN, or UPDATER_GITHUB_APP_ID and UPDATER_GITHUB_APP_KEY"
    assert caught.value.message == f"{names}: {what}"
    assert "pull requests: write" in str(caught.value.hint)


@pytest.mark.parametrize("token", ["ghp_a\nb", "ghp a", "ghp_\x00", "ghp_é"])
def test_a_token_that_would_break_a_header_is_refused_unseen(token: str) -> None:
    with pytest.raises(UsageError, match="^UPDATER_GITHUB_TOKEN has characters") as caught:
        place(HUB, {"UPDATER_GITHUB_TOKEN": token})
    assert token not in f"{caught.value}{caught.value.hint}"


def test_secrets_may_be_in_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ghp_file\n")
    (tmp_path / "key").write_text("-----BEGIN\nhush\n")
    assert place(HUB, {"UPDATER_GITHUB_TOKEN_FILE": str(tmp_path / "token")}).login == "ghp_file"
    app = {"UPDATER_GITHUB_APP_ID": "7", "UPDATER_GITHUB_APP_KEY_FILE": str(tmp_path / "key")}
    assert place(HUB, app).login == App("7", "-----BEGIN\nhush")


def test_a_key_may_be_written_in_one_line() -> None:
    found = place(HUB, {"UPDATER_GITHUB_APP_ID": "7", "UPDATER_GITHUB_APP_KEY": r"-----BEGIN\nhush\n"})
    assert found.login == App("7", "-----BEGIN\nhush\n")
    assert found.variables == "UPDATER_GITHUB_APP_ID and UPDATER_GITHUB_APP_KEY"


def test_secrets_are_in_no_representation() -> None:
    app = {"UPDATER_GITHUB_APP_ID": "7", "UPDATER_GITHUB_APP_KEY": "hush"}
    shown = repr([place(HUB, TOKEN), place(HUB, app), place(HUB, app).login])
    assert "hush" not in shown
