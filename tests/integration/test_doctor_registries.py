"""`updater doctor` on container registries: real ones, with and without logins, and some that are not there."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.helpers import gitops
from tests.helpers.authority import Authority
from tests.helpers.faulty_registry import Answer, Request, faulty_registry
from tests.helpers.registry import Registry, running_registry
from tests.helpers.registry_tokens import token_server
from updater import bootstrap, settings
from updater.doctor import registries
from updater.doctor.checks import Check
from updater.registries import sending

OVERLAY = "images:\n  - name: {image}\n    newTag: 1.0.0\n"
TEST = "overlays: overlays/test/{service}\nfollow:\n  - {image: '**'MORE}\nverify: parse\n"
Examine = Callable[..., list[Check]]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that is down is asked again at once."""
    monkeypatch.setattr(sending, "_PAUSES", (0.0, 0.0))


@pytest.fixture
def examine(tmp_path: Path) -> Examine:
    """What a doctor says of the registry of a followed image, with more keys of its rule and more variables."""

    def examined(image: str, more: str = "", **variables: str) -> list[Check]:
        bare = gitops.remote(
            Path(mkdtemp(dir=tmp_path)) / "gitops.git",
            {
                "environments/test.yaml": TEST.replace("MORE", more),
                "overlays/test/model-a/kustomization.yaml": OVERLAY.format(image=image),
            },
        )
        environ = {"UPDATER_REPO": str(bare), "UPDATER_STATE_DIR": str(tmp_path / "state"), "HOME": os.environ["HOME"]}
        with bootstrap.opened(settings.read(environ)) as workshop:
            sight = workshop.parts.sight
            found = sight.configuration(sight.repository.tree(sight.repository.tip("main") or ""), "main")
            return list(registries.checks(sight, found.environments, environ | variables))

    return examined


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that lets nobody in but alice, with an image in it."""
    with running_registry(tmp_path_factory.mktemp("registry"), notifies=False, basic=("alice", "se same")) as registry:
        registry.push("models/model-a", "1.0.0")
        registry.push("models/model-a", "1.1.0", b"another")
        yield registry


def described(tmp_path: Path, text: str) -> str:
    (tmp_path / "registries.yaml").write_text(text)
    return str(tmp_path / "registries.yaml")


def logged_in(tmp_path: Path, **users: str) -> str:
    """A folder for DOCKER_CONFIG with logins, by host: `_` stands for what no name of a variable can have."""
    auths = {host: {"auth": base64.b64encode(login.encode()).decode()} for host, login in users.items()}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    return str(tmp_path)


def test_a_registry_that_lets_us_read_tells_as_whom_and_never_the_password(
    examine: Examine, guarded: Registry, tmp_path: Path
) -> None:
    folder = logged_in(tmp_path, **{guarded.host: "alice:se same"})
    (check,) = examine(f"{guarded.host}/models/model-a", DOCKER_CONFIG=folder)
    told = f"{guarded.host} lets us read models/model-a (2 tags); logged in as alice (login: docker)"
    assert check == Check("registry", "ok", told)


def test_a_registry_without_a_guard_is_read_by_nobody_in_particular(examine: Examine, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry", notifies=False) as registry:
        registry.push("model-a", "1.0.0")
        (check,) = examine(f"{registry.host}/model-a")
    assert (check.state, check.told) == ("ok", f"{registry.host} lets us read model-a (1 tags); nobody is logged in")


@pytest.mark.parametrize(("more", "state"), [("", "warning"), (", confirm: true", "fault")])
def test_who_is_not_let_in_without_a_login_is_at_fault_where_the_rules_ask_for_it(
    examine: Examine, guarded: Registry, more: str, state: str
) -> None:
    (check,) = examine(f"{guarded.host}/models/model-a", more)
    assert (check.name, check.state) == ("registry", state)
    assert guarded.host in check.told
    assert check.hint
    assert check.exit_code == (4 if state == "fault" else 0)


def test_a_token_server_is_shown_the_login_and_asked_for_what_is_read_and_no_more(
    examine: Examine, tmp_path: Path
) -> None:
    with (
        token_server(tmp_path, users={"alice": "se same"}) as tokens,
        running_registry(tmp_path / "registry", notifies=False, tokens=tokens) as registry,
    ):
        registry.push("models/model-a", "1.0.0")
        before = len(tokens.asked)
        folder = logged_in(tmp_path, **{registry.host: "alice:se same"})
        (check,) = examine(f"{registry.host}/models/model-a", DOCKER_CONFIG=folder)
        ours = tokens.asked[before:]
    assert (check.state, check.told.partition("; ")[2]) == ("ok", "logged in as alice (login: docker)")
    assert {(asked.user, *asked.scopes) for asked in ours} == {("alice", "repository:models/model-a:pull")}


def test_a_rule_that_asks_no_registry_needs_none(examine: Examine, guarded: Registry) -> None:
    before = len(guarded.requests)
    (check,) = examine(f"{guarded.host}/models/model-a", ", confirm: false")
    assert (check, len(guarded.requests)) == (Check("registry", "ok", "none is asked"), before)


def test_a_wrong_password_is_a_fault_and_is_not_told(examine: Examine, guarded: Registry, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2")
    more = "{login: basic, username: alice, password-file: password}"
    file = described(tmp_path, f"'{guarded.host}': {more}\n")
    (check,) = examine(f"{guarded.host}/models/model-a", UPDATER_REGISTRIES=file)
    assert (check.state, check.exit_code) == ("fault", 4)
    assert "hunter2" not in f"{check}"


def test_who_may_list_tags_but_read_no_manifest_is_told(examine: Examine) -> None:
    def answer(request: Request) -> Answer:
        if request.path == "/v2/model-a/tags/list":
            return Answer(200, {"content-type": "application/json"}, b'{"name": "model-a", "tags": ["1.0.0"]}')
        return Answer(403 if "/manifests/" in request.path else 404)

    with faulty_registry(answer) as registry:
        (check,) = examine(f"{registry.host}/model-a", ", confirm: true")
    assert (check.state, check.exit_code) == ("fault", 4)
    assert registry.count("HEAD", "/v2/model-a/manifests/1.0.0") == 1


def test_a_token_in_the_place_of_a_user_is_not_told(examine: Examine, guarded: Registry, tmp_path: Path) -> None:
    token = "ghx" + 20 * "1a"
    with running_registry(tmp_path / "other", notifies=False, basic=(token, "x")) as registry:
        registry.push("model-a", "1.0.0")
        folder = logged_in(tmp_path, **{registry.host: f"{token}:x"})
        (check,) = examine(f"{registry.host}/model-a", DOCKER_CONFIG=folder)
    assert check.told.endswith("logged in as a token (login: docker)")


def test_a_repository_that_is_not_there_is_told_with_who_looked(
    examine: Examine, guarded: Registry, tmp_path: Path
) -> None:
    folder = logged_in(tmp_path, **{guarded.host: "alice:se same"})
    (check,) = examine(f"{guarded.host}/models/model-z", DOCKER_CONFIG=folder)
    assert check.state == "fault"
    assert check.told.startswith(f"{guarded.host} has no models/model-z, or does not show it to us; logged in as alice")


def test_a_registry_that_is_logged_in_to_and_not_followed_is_greeted_and_no_fault(
    examine: Examine, guarded: Registry, tmp_path: Path
) -> None:
    folder = logged_in(tmp_path, **{guarded.host: "alice:se same", "127.0.0.1:9": "alice:x"})
    found = examine("registry.example.org/model-a", ", confirm: false", DOCKER_CONFIG=folder)
    good, bad = found
    assert (good.state, good.told) == ("ok", f"{guarded.host} answers; logged in as alice (login: docker)")
    assert bad.state == "warning"
    assert bad.told.endswith("; nothing that is followed is there")


def test_a_registry_that_is_described_has_to_answer(examine: Examine, tmp_path: Path) -> None:
    file = described(tmp_path, "127.0.0.1:9: {}\n'*.pkg.dev': {}\n")
    (check,) = examine("registry.example.org/model-a", ", confirm: false", UPDATER_REGISTRIES=file)
    assert (check.state, check.exit_code) == ("fault", 4)
    assert "127.0.0.1:9" in check.told


def test_an_authority_of_ones_own_is_trusted_where_the_file_names_it(examine: Examine, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    with running_registry(tmp_path / "registry", notifies=False, authority=authority) as registry:
        registry.push("model-a", "1.0.0")
        trusting = described(tmp_path, f"'{registry.host}':\n  ca: {authority.ca.relative_to(tmp_path)}\n")
        (good,) = examine(f"{registry.host}/model-a", UPDATER_REGISTRIES=trusting)
        strict = described(tmp_path, f"'{registry.host}':\n  insecure: false\n")
        (bad,) = examine(f"{registry.host}/model-a", UPDATER_REGISTRIES=strict)
    assert (good.state, bad.state) == ("ok", "fault")
    assert "ca" in (bad.hint or "")


def test_wrong_settings_and_broken_logins_are_one_fault(examine: Examine, tmp_path: Path) -> None:
    file = described(tmp_path, "r.example.org:\n  ulr: x\n")
    (check,) = examine("r.example.org/model-a", UPDATER_REGISTRIES=file)
    assert check == Check("registry", "fault", f"{file}:2: r.example.org: unknown key `ulr`", "did you mean `url`?", 2)
    (tmp_path / "config.json").write_text("{")
    (check,) = examine("r.example.org/model-a", DOCKER_CONFIG=str(tmp_path))
    assert (check.state, check.exit_code) == ("fault", 4)
    assert "config.json holds no logins of docker" in check.told
