"""`updater check --registry`: what has become of the standing versions in a real registry; and the keys of rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.helpers.cli import CommandLine
from tests.helpers.cosign import Signer
from tests.helpers.registry import Registry, running_registry


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry"), notifies=False) as running:
        yield running


def repository(folder: Path, host: str, versions: Mapping[str, tuple[str | None, str | None]]) -> Path:
    """A GitOps repository in which these versions (tag and digest) of models of that name stand."""
    files = {
        "environments/test.yaml": f"overlays: overlays/{{service}}\nfollow: [{{image: {host}/**}}]\nverify: parse\n"
    }
    for name, (tag, digest) in versions.items():
        lines = ["images:", f"- name: {host}/{name}", *([f'  newTag: "{tag}"'] if tag else [])]
        lines += [f"  digest: {digest}"] if digest else []
        files[f"overlays/{name}/kustomization.yaml"] = "\n".join(lines) + "\n"
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return folder


def found(updater: CommandLine, folder: Path) -> tuple[int, list[tuple[str, int, str, str]]]:
    """The exit code, and path, line, severity and message of each finding."""
    ran = updater("check", "--registry", "--output", "json", folder)
    keys = ("path", "line", "severity", "message")
    assert all(set(each) == {*keys, "hint"} for each in ran.json["findings"])
    return ran.code, [tuple(each[key] for key in keys) for each in ran.json["findings"]]


def test_versions_that_are_there_are_no_findings(registry: Registry, updater: CommandLine, tmp_path: Path) -> None:
    digests = {name: registry.push(name, "1.0.0", name.encode()) for name in ("both", "digest", "tag")}
    versions = {"both": ("1.0.0", digests["both"]), "digest": (None, digests["digest"]), "tag": ("1.0.0", None)}
    ran = updater("check", "--registry", repository(tmp_path / "r", registry.host, versions))
    assert (ran.code, ran.out, ran.err) == (0, "", "0 errors, 0 warnings\n")


def test_a_version_that_was_deleted_is_an_error_with_its_line(
    registry: Registry, updater: CommandLine, tmp_path: Path
) -> None:
    digest = registry.push("deleted", "1.0.0", b"deleted")
    registry.delete("deleted", digest)
    versions = {"deleted": ("1.0.0", digest), "never": ("1.0.0", None)}
    code, findings = found(updater, repository(tmp_path / "r", registry.host, versions))
    gone = "is not in the registry any more"
    assert code == 3
    assert findings == [
        ("overlays/deleted/kustomization.yaml", 2, "error", f"{registry.host}/deleted:1.0.0@{digest} {gone}"),
        ("overlays/never/kustomization.yaml", 2, "error", f"{registry.host}/never:1.0.0 {gone}"),
    ]


def test_a_tag_that_was_pushed_again_is_a_warning(registry: Registry, updater: CommandLine, tmp_path: Path) -> None:
    old, new = (registry.push("moved", "1.0.0", content) for content in (b"old", b"new"))
    code, findings = found(updater, repository(tmp_path / "r", registry.host, {"moved": ("1.0.0", old)}))
    told = f"{registry.host}/moved:1.0.0@{old} is pinned, and 1.0.0 names {new} now"
    assert (code, findings) == (0, [("overlays/moved/kustomization.yaml", 2, "warning", told)])


def test_a_registry_that_does_not_answer_is_one_error_of_its_own(updater: CommandLine, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry", notifies=False) as ended:
        host = ended.host
    versions: dict[str, tuple[str | None, str | None]] = {name: ("1.0.0", None) for name in ("a", "b", "c")}
    code, findings = found(updater, repository(tmp_path / "r", host, versions))
    assert (code, len(findings)) == (4, 1)
    path, line, severity, message = findings[0]
    assert (path, line, severity) == ("overlays/a/kustomization.yaml", 2, "error")
    assert message.startswith(f"nobody knows whether {host}/a:1.0.0 is there: ")
    assert message.endswith(" (the same for 2 more entries)")


def test_without_the_option_no_registry_is_asked(registry: Registry, updater: CommandLine, tmp_path: Path) -> None:
    before = len(registry.requests)
    ran = updater("check", repository(tmp_path / "r", registry.host, {"never": ("1.0.0", None)}))
    assert (ran.code, len(registry.requests)) == (0, before)


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (Signer().pem, 0, ""),
        (None, 3, "environments/test.yaml:2: error: the key 'cosign.pub' is not in the repository\n"),
        (b"ssh-ed25519 AAAA", 3, "environments/test.yaml:2: error: the key 'cosign.pub' holds no public key in PEM"),
    ],
    ids=["in order", "missing", "no key"],
)
def test_the_key_of_a_rule_is_looked_at_without_asking_anybody(
    updater: CommandLine, tmp_path: Path, content: bytes | None, code: int, told: str
) -> None:
    folder = repository(tmp_path / "r", "reg.example", {"model-a": ("1.0.0", None)})
    rule = "overlays: overlays/{service}\nfollow:\n- image: reg.example/**\n  signed-by: {key: cosign.pub}\n"
    (folder / "environments/test.yaml").write_text(f"{rule}verify: parse\n")
    if content is not None:
        (folder / "cosign.pub").write_bytes(content)
    ran = updater("check", folder)
    assert (ran.code, ran.out.startswith(told), bool(ran.out)) == (code, True, bool(told))
