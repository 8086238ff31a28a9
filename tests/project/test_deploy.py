"""What runs the service: the image, and the manifests as kustomize renders them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.helpers import components
from updater.decoders import argocd
from updater.model import Message

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
LAST_STAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
RUNNING = (ROOT / "docs/running.md").read_text()
OVERLAYS = sorted(path.name for path in (ROOT / "deploy/overlays").iterdir())
SECRETS = "/run/updater/secrets"
LABEL = {"app.kubernetes.io/name": "manifest-updater"}
VARIABLES = dict(re.findall(r"(\w+)=(\S+)", " ".join(re.findall(r"^ENV (.+)$", LAST_STAGE, re.MULTILINE))))

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@cache
def rendered(overlay: str) -> dict[str, dict[str, Any]]:
    """The resources of an overlay by kind and name, which every kustomize renders alike."""
    texts = {}
    for version, command in components.require_kustomizes().items():
        done = subprocess.run([*command, ROOT / "deploy/overlays" / overlay], capture_output=True, text=True)
        assert done.returncode == 0, f"{version}: {done.stderr}"
        assert "deprecated" not in done.stderr, f"{version}: {done.stderr}"
        texts[version] = done.stdout
    resources = [list(YAML(typ="safe").load_all(text)) for text in texts.values()]
    assert all(each == resources[0] for each in resources)
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in resources[0]}


def pod(overlay: str) -> dict[str, Any]:
    spec: dict[str, Any] = rendered(overlay)["Deployment/updater"]["spec"]["template"]["spec"]
    return spec


def container(overlay: str) -> dict[str, Any]:
    (found,) = pod(overlay)["containers"]
    return dict(found)


def settings(overlay: str) -> dict[str, str]:
    (found,) = (each["data"] for name, each in rendered(overlay).items() if name.startswith("ConfigMap/"))
    return dict(found)


def documented(word: str) -> list[dict[str, Any]]:
    """The documents of the YAML block in docs/running.md that has a word in it."""
    blocks = re.findall(r"```yaml\n(.+?)```", RUNNING, re.DOTALL)
    (block,) = (block for block in blocks if word in block)
    return list(YAML(typ="safe").load_all(block))


@every_overlay
def test_the_pod_has_no_rights_on_its_machine(overlay: str) -> None:
    who = pod(overlay)["securityContext"]
    assert (who["runAsNonRoot"], who["runAsUser"], who["seccompProfile"]) == (True, 10001, {"type": "RuntimeDefault"})
    assert container(overlay)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod(overlay).keys()


@every_overlay
def test_the_pod_has_no_rights_in_the_cluster(overlay: str) -> None:
    assert pod(overlay)["automountServiceAccountToken"] is False
    assert pod(overlay)["serviceAccountName"] == "updater"
    assert rendered(overlay)["ServiceAccount/updater"]["automountServiceAccountToken"] is False
    assert not [name for name in rendered(overlay) if "Role" in name]


@every_overlay
def test_the_cluster_sets_no_variables_that_would_be_taken_for_settings(overlay: str) -> None:
    assert pod(overlay)["enableServiceLinks"] is False


@every_overlay
def test_what_the_image_writes_to_is_a_mount_on_a_root_that_is_read_only(overlay: str) -> None:
    mounts = {each["mountPath"]: each for each in container(overlay)["volumeMounts"]}
    for variable in ("HOME", "TMPDIR", "UPDATER_STATE_DIR"):
        assert not mounts[VARIABLES[variable]].get("readOnly")
    volumes = {each["name"] for each in pod(overlay)["volumes"]}
    assert {each["name"] for each in mounts.values()} == volumes


@every_overlay
def test_secrets_come_as_files_and_are_not_in_git(overlay: str) -> None:
    assert not [name for name in rendered(overlay) if name.startswith("Secret/")]
    (mount,) = (each for each in container(overlay)["volumeMounts"] if each["mountPath"] == SECRETS)
    assert mount["readOnly"] is True
    files = {name: value for name, value in settings(overlay).items() if name.endswith("_FILE")}
    assert files
    assert all(value.startswith(f"{SECRETS}/") for value in files.values())
    assert not [
        name for name in settings(overlay) if re.search(r"TOKEN$|SECRET|KEY$|PASSWORD", name) and name not in files
    ]


@every_overlay
def test_every_setting_is_one_that_is_read_somewhere(overlay: str) -> None:
    sources = "".join(path.read_text() for path in (ROOT / "updater").rglob("*.py"))
    for name in settings(overlay):
        known = re.sub(r"^(UPDATER_HOOK_SECRET_).*", r"\1", name.removesuffix("_FILE"))
        assert known in sources, name


@every_overlay
def test_it_is_probed_where_it_answers_and_has_time_for_the_first_clone(overlay: str) -> None:
    probes = container(overlay)
    assert (
        probes["startupProbe"]["httpGet"] == probes["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    )
    assert probes["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert probes["startupProbe"]["periodSeconds"] * probes["startupProbe"]["failureThreshold"] >= 300
    (port,) = probes["ports"]
    assert VARIABLES["UPDATER_LISTEN"] == f"0.0.0.0:{port['containerPort']}"


@every_overlay
def test_it_gets_more_time_to_stop_than_it_needs(overlay: str) -> None:
    assert pod(overlay)["terminationGracePeriodSeconds"] >= 20


@every_overlay
def test_it_asks_for_what_it_needs_and_has_a_limit_of_memory(overlay: str) -> None:
    resources = container(overlay)["resources"]
    assert {"cpu", "memory"} <= resources["requests"].keys()
    assert resources["limits"].keys() == {"memory"}


@every_overlay
def test_everything_that_selects_pods_selects_these(overlay: str) -> None:
    found = rendered(overlay)
    labels = found["Deployment/updater"]["spec"]["template"]["metadata"]["labels"]
    assert labels == found["Service/updater"]["spec"]["selector"] == LABEL
    for name in ("Deployment/updater", "PodDisruptionBudget/updater", "ServiceMonitor/updater"):
        assert found[name]["spec"]["selector"] == {"matchLabels": LABEL}
    policies = [each for name, each in found.items() if name.startswith("NetworkPolicy/")]
    assert all(each["spec"]["podSelector"] == {"matchLabels": LABEL} for each in policies)
    assert found["Service/updater"]["metadata"]["labels"] == LABEL  # what the ServiceMonitor looks for


@every_overlay
def test_only_the_hooks_port_is_open_and_only_names_https_and_ssh_go_out(overlay: str) -> None:
    policy = rendered(overlay)["NetworkPolicy/updater"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [{"ports": [{"port": "http"}]}]
    assert sorted({port["port"] for rule in policy["egress"] for port in rule["ports"]}) == [22, 53, 443]


@every_overlay
def test_a_node_can_be_drained(overlay: str) -> None:
    assert rendered(overlay)["PodDisruptionBudget/updater"]["spec"]["maxUnavailable"] == 1


def test_one_machine_keeps_its_state_on_a_volume_with_one_writer() -> None:
    spec = rendered("one-machine")["Deployment/updater"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    (state,) = (each for each in pod("one-machine")["volumes"] if each["name"] == "state")
    claim = state["persistentVolumeClaim"]["claimName"]
    assert state.keys() == {"name", "persistentVolumeClaim"}
    assert rendered("one-machine")[f"PersistentVolumeClaim/{claim}"]["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_replicas_share_a_queue_and_keep_nothing() -> None:
    spec = rendered("replicas")["Deployment/updater"]["spec"]
    assert spec["replicas"] >= 3
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert not [each for each in pod("replicas")["volumes"] if "persistentVolumeClaim" in each]
    assert settings("replicas")["UPDATER_QUEUE"] == "pubsub"
    spread = {each["topologyKey"]: each for each in pod("replicas")["topologySpreadConstraints"]}
    assert spread.keys() == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    assert all(each["labelSelector"] == {"matchLabels": LABEL} for each in spread.values())


def test_on_google_cloud_pods_are_a_service_account_without_a_key() -> None:
    annotations = rendered("replicas")["ServiceAccount/updater"]["metadata"]["annotations"]
    assert re.fullmatch(r"updater@[a-z-]+\.iam\.gserviceaccount\.com", annotations["iam.gke.io/gcp-service-account"])
    assert "NetworkPolicy/updater-to-metadata" in rendered("replicas")


def test_the_image_is_run_by_a_user_without_rights_and_starts_the_service() -> None:
    assert re.findall(r"^USER (.+)$", LAST_STAGE, re.MULTILINE) == ["10001:10001"]
    assert json.loads(re.findall(r"^ENTRYPOINT (.+)$", LAST_STAGE, re.MULTILINE)[0]) == ["tini", "--", "updater"]
    assert json.loads(re.findall(r"^CMD (.+)$", LAST_STAGE, re.MULTILINE)[0]) == ["serve"]
    assert "EXPOSE 8080" in LAST_STAGE
    for program in ("git", "openssh-client", "tini", "/usr/local/bin/kustomize"):
        assert re.search(rf"(?<![\w-]){program}\b", LAST_STAGE)


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server on loopback that answers /healthz so; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def health(port: int) -> int:
    """The exit code of the image's health check, with a proxy in the environment that answers nothing."""
    (command,) = re.findall(r"^HEALTHCHECK .*?CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    python, *arguments = json.loads(command)
    assert python == "python"
    environment = {"UPDATER_LISTEN": f"0.0.0.0:{port}", "http_proxy": "http://127.0.0.1:9", "PATH": os.environ["PATH"]}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True).returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_image_is_healthy_when_the_service_says_so(status: int, code: int) -> None:
    with answering(status) as port:
        assert health(port) == code


def test_the_image_is_not_healthy_when_nothing_answers() -> None:
    with answering(200) as port:
        pass
    assert health(port) == 1


def test_clusters_without_the_prometheus_operator_can_leave_its_resource_out(tmp_path: Path) -> None:
    (patches,) = documented("$patch: delete")
    base = os.path.relpath(ROOT / "deploy/overlays/one-machine", tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(json.dumps({"resources": [base], **patches}))
    for command in components.require_kustomizes().values():
        done = subprocess.run([*command, tmp_path], capture_output=True, text=True)
        kinds = {each["kind"] for each in YAML(typ="safe").load_all(done.stdout)}
        assert kinds == {name.partition("/")[0] for name in rendered("one-machine")} - {"ServiceMonitor"}


def test_the_documented_ingress_leads_to_the_service_and_to_hooks_alone() -> None:
    (ingress,) = documented("kind: Ingress")
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/hooks/", "Prefix")
    service = rendered("one-machine")["Service/updater"]
    assert path["backend"]["service"]["name"] == service["metadata"]["name"]
    assert path["backend"]["service"]["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}


def test_what_argo_cd_makes_of_the_documented_template_is_a_status() -> None:
    (config,) = documented("argocd-notifications-cm")
    template = YAML(typ="safe").load(config["data"]["template.updater"])["webhook"]["updater"]["body"]
    values = {
        "app.metadata.name": "model-a-test-1",
        "app.status.operationState.syncResult.revision": "3fa9c1e0" * 5,
        "app.status.operationState.phase": "Succeeded",
        "app.status.health.status": "Healthy",
        "context.argocdUrl": "https://argocd.example.org",
    }
    body = re.sub(r"{{\.([\w.]+)}}", lambda found: values[found[1]], template)
    message = Message("argocd", json.loads(body), "1", datetime(2026, 11, 20, 12, tzinfo=UTC))
    (reported,) = argocd.decode(message).reported
    assert (reported.context, reported.state) == ("continuous-delivery/model-a-test-1", "success")
    assert (reported.commit, reported.url) == ("3fa9c1e0" * 5, "https://argocd.example.org/applications/model-a-test-1")
    for part in ("service.webhook.updater", "trigger.updater", "subscriptions"):
        assert "updater" in json.dumps(YAML(typ="safe").load(config["data"][part])), part


def test_the_documented_alert_of_flux_uses_the_documented_provider() -> None:
    provider, alert = documented("kind: Provider")
    assert alert["spec"]["providerRef"]["name"] == provider["metadata"]["name"]
    assert provider["spec"]["type"] == "generic-hmac"
    assert provider["spec"]["address"].endswith("/hooks/flux")


def test_every_metric_that_is_worth_an_alert_exists() -> None:
    metrics = (ROOT / "updater/telling/metrics.py").read_text()
    named = re.findall(r"updater_[a-z_]+[a-z]", "".join(re.findall(r"^\| .*$", RUNNING, re.MULTILINE)))
    assert len(named) > 4
    assert [name for name in named if f'"{name.removesuffix("_bucket")}"' not in metrics] == []


def test_every_setting_that_running_it_takes_is_read_somewhere() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "updater").rglob("*.py"))
    for name in re.findall(r"\bUPDATER_\w+", RUNNING):
        known = re.sub(r"^(UPDATER_HOOK_SECRET_).*", r"\1", name.removesuffix("_FILE"))
        assert known in sources, name
