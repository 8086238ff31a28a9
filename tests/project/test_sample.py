"""The sample is a GitOps repository that a team may copy: it has to be right, everywhere."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from tests.helpers.components import require_kustomizes
from updater import config
from updater.adapters.folder import FolderTree

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ("test", "staging", "production")
SERVICES = {"model-a": 1, "model-b": 1, "ml-census": 1, "ctwoc": 3}
"""Services, and how many images each has."""

every_overlay = pytest.mark.parametrize(
    "overlay", [f"overlays/{environment}/{service}" for environment in ENVIRONMENTS for service in SERVICES]
)


def load(path: str) -> Any:
    return YAML(typ="safe").load(ROOT / path)


def build(command: tuple[str, ...], folder: str) -> bytes:
    done = subprocess.run([*command, folder], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b"", "a warning, about something deprecated say"
    return done.stdout


@cache
def rendered(overlay: str) -> list[Any]:
    command = next(reversed(require_kustomizes().values()))
    return list(YAML(typ="safe").load_all(build(command, overlay)))


def containers(manifests: list[Any]) -> Iterator[Any]:
    for manifest in manifests:
        if manifest["kind"] == "Deployment":
            yield from manifest["spec"]["template"]["spec"]["containers"]


def the(kind: str, manifests: list[Any]) -> Any:
    [found] = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def test_the_sample_has_these_overlays_and_no_other() -> None:
    folders = {str(path.parent.relative_to(ROOT / "overlays")) for path in ROOT.glob("overlays/**/kustomization.yaml")}
    assert folders == {f"{environment}/{service}" for environment in ENVIRONMENTS for service in SERVICES}


@pytest.mark.slow
@every_overlay
def test_every_kustomize_renders_an_overlay_to_the_same_bytes(overlay: str) -> None:
    outputs = {version: build(command, overlay) for version, command in require_kustomizes().items()}
    assert len(set(outputs.values())) == 1, f"differ: {', '.join(outputs)}"


@every_overlay
def test_each_container_gets_its_version_from_an_entry_of_the_overlay(overlay: str) -> None:
    entries = load(f"{overlay}/kustomization.yaml")["images"]
    expected = {
        f"{entry['name']}:{entry['newTag']}" + (f"@{entry['digest']}" if "digest" in entry else "") for entry in entries
    }
    images = [container["image"] for container in containers(rendered(overlay))]
    assert set(images) == expected
    assert len(images) == len(entries) == SERVICES[Path(overlay).name]


@every_overlay
def test_everything_in_an_overlay_is_in_the_namespace_of_its_environment(overlay: str) -> None:
    namespaces = {manifest["metadata"]["namespace"] for manifest in rendered(overlay)}
    assert namespaces == {Path(overlay).parent.name}


@every_overlay
def test_each_container_has_probes_resources_and_no_more_rights_than_it_needs(overlay: str) -> None:
    for container in containers(rendered(overlay)):
        assert {"readinessProbe", "livenessProbe"} <= container.keys()
        assert {"requests", "limits"} == container["resources"].keys()
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@every_overlay
def test_a_service_sends_its_requests_to_a_port_of_its_deployment(overlay: str) -> None:
    manifests = rendered(overlay)
    ports: dict[str, set[Any]] = {}
    for manifest in manifests:
        if manifest["kind"] == "Deployment":
            label = manifest["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
            [container] = containers([manifest])
            ports[label] = {value for port in container["ports"] for value in port.values()}
    services = [manifest["spec"] for manifest in manifests if manifest["kind"] == "Service"]
    assert len(services) == len(ports)
    for service in services:
        assert service["ports"][0]["targetPort"] in ports[service["selector"]["app.kubernetes.io/name"]]


def test_digests_are_whole_and_some_entries_have_none() -> None:
    texts = [path.read_text() for path in ROOT.glob("overlays/**/kustomization.yaml")]
    digests = [re.findall(r"digest: '?sha256:([0-9a-f]+)'?$", text, re.MULTILINE) for text in texts]
    assert {len(digest) for found in digests for digest in found} == {64}
    assert [] in digests


def test_at_the_start_all_environments_run_the_same_versions() -> None:
    for service in SERVICES:
        test, *others = (
            load(f"overlays/{environment}/{service}/kustomization.yaml")["images"] for environment in ENVIRONMENTS
        )
        assert others == [test, test]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_ml_census_listens_on_port_90_and_reads_its_configuration_from_a_mounted_map(environment: str) -> None:
    manifests = rendered(f"overlays/{environment}/ml-census")
    service = the("Service", manifests)["spec"]
    assert service["type"] == "LoadBalancer"
    assert [(port["port"], port["targetPort"]) for port in service["ports"]] == [(90, 5090)]

    pod = the("Deployment", manifests)["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert [port["containerPort"] for port in container["ports"]] == [5090]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes[mounts["/configuration"]]["configMap"] == {"name": "census-config"}

    config_map = the("ConfigMap", manifests)
    assert config_map["metadata"]["name"] == "census-config"
    configuration = YAML(typ="safe").load(config_map["data"]["config.yaml"])
    assert configuration.keys() == {"model_path", "users", "secret", "prediction_decoding"}
    # What is in git is the place of the secret, and something is mounted there.
    place = Path(configuration["secret"])
    assert "secret" in volumes[mounts[str(place.parent)]]


def test_environment_files_name_the_schema_that_the_set_up_makes() -> None:
    for environment in ENVIRONMENTS:
        first, _, _ = (ROOT / f"environments/{environment}.yaml").read_text().partition("\n")
        assert first == "# yaml-language-server: $schema=environment.schema.json"


def test_the_environments_load_without_a_fault() -> None:
    configuration = config.load(FolderTree(ROOT), default_branch="main")
    assert configuration.errors == ()
    assert {each.name for each in configuration.environments} == set(ENVIRONMENTS)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_editors_find_nothing_wrong_with_an_environment(environment: str) -> None:
    validator = Draft202012Validator(config.json_schema())
    assert [error.message for error in validator.iter_errors(load(f"environments/{environment}.yaml"))] == []


def test_test_follows_the_registry_and_the_others_promote_by_pull_request() -> None:
    test, staging, production = (load(f"environments/{environment}.yaml") for environment in ENVIRONMENTS)
    assert [(rule["image"], rule["order"]) for rule in test["follow"]] == [
        ("us-docker.pkg.dev/acme/models/*", "semver"),
        ("us-docker.pkg.dev/acme/web/*", "pushed"),
    ]
    assert test["deliver"] == "commit"
    assert (staging["promote"]["from"], production["promote"]["from"]) == ("test", "staging")
    assert staging["deliver"] == production["deliver"] == "pull-request"
