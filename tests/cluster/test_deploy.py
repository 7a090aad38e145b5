"""The files in `deploy`, against the schemas of those who read them, and against the program."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from typer.testing import CliRunner

from emolive.cli.main import app
from emolive.cluster.ray_runtime import QUIET
from tests.conftest import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
KUBERNETES = "1.31"


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kuberay.yaml").read_text()))


def cluster() -> dict[str, Any]:
    return next(one for one in documents() if one["kind"] == "RayCluster")["spec"]


def pods() -> Iterator[dict[str, Any]]:
    """The specifications of all pods."""
    groups = [cluster()["headGroupSpec"], *cluster()["workerGroupSpecs"]]
    yield from (group["template"]["spec"] for group in groups)
    yield from (
        one["spec"]["template"]["spec"] for one in documents() if one["kind"] == "Deployment"
    )


def served(words: list[str]) -> None:
    """The command line is one that `emolive` understands."""
    assert words[0] == "serve"
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage" in result.output


def test_compose_is_valid() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
         str(DEPLOY / "compose.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_starts_what_there_is() -> None:
    file = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    service = file["services"]["emolive"]
    build = service["build"]
    root = (DEPLOY / build["context"]).resolve()
    assert root == REPOSITORY.resolve()
    assert (root / build["dockerfile"]).is_file()
    served([word.replace("${WORKERS:-2}", "2") for word in service["command"]])
    # Each name that is asked for is in the example, and each secret is declared.
    example = (DEPLOY / "example.env").read_text()
    for name in ("EMOLIVE_TOKEN", "HISTORY_PASSWORD", "CERTIFICATE", "KEY", "WORKERS"):
        assert f"{name}=" in example
    assert set(service["secrets"]) == set(file["secrets"])
    assert "shm_size" in service


@pytest.mark.parametrize("number", range(len(documents())))
def test_the_manifest_is_valid_kubernetes(number: int) -> None:
    document = documents()[number]
    if document["kind"] != "RayCluster":
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
        return
    for spec in pods():
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": spec}
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)
    # As the CRD of KubeRay has it (what kubernetes-validate does not know).
    assert document["apiVersion"] == "ray.io/v1"
    crd = Path(__file__).with_name("raycluster_v1.json")
    jsonschema.validate(document, json.loads(crd.read_text(encoding="utf-8")))
    wrong = {**document, "spec": {**document["spec"], "workerGroups": []}}
    with pytest.raises(jsonschema.ValidationError, match="workerGroups"):
        jsonschema.validate(wrong, json.loads(crd.read_text(encoding="utf-8")))
    assert len({group["groupName"] for group in cluster()["workerGroupSpecs"]}) == 2


def test_no_node_tells_anybody_and_none_is_open() -> None:
    for spec in pods():
        for container in spec["containers"]:
            values = {one["name"]: one.get("value") for one in container["env"]}
            quiet = {n: v for n, v in QUIET.items() if n.startswith("RAY_USAGE")}
            assert quiet.items() <= values.items()
            assert values["RAY_AUTH_MODE"] == "token"
            assert "RAY_AUTH_TOKEN" in values
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
    file = (DEPLOY / "Containerfile").read_text()
    assert all(f"{name}={value}" in file for name, value in quiet.items())
    assert yaml.safe_load((DEPLOY / "ray_bootstrap_config.yaml").read_text()) == {
        "provider": {"type": "external"}
    }
    assert "USER 1000" in file


def test_the_front_of_the_manifest_starts_as_written() -> None:
    front = next(one for one in documents() if one["kind"] == "Deployment")
    command = front["spec"]["template"]["spec"]["containers"][0]["args"][0]
    served(command.partition("exec emolive ")[2].split())


def test_the_versions_are_those_of_the_project() -> None:
    import ray

    from emolive import __version__

    assert cluster()["rayVersion"] == ray.__version__
    for path in ("compose.yaml", "kuberay.yaml"):
        assert f"image: emolive:{__version__}" in (DEPLOY / path).read_text()


def test_the_containerfile_is_as_its_linter_wants_it() -> None:
    program = Path(sys.executable).parent / "hadolint"
    found = str(program) if program.exists() else shutil.which("hadolint")
    if found is None:
        pytest.skip("hadolint has no wheel for this system")
    done = subprocess.run(
        [found, "--no-color", str(DEPLOY / "Containerfile")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_containerfile_copies_what_there_is() -> None:
    for line in (DEPLOY / "Containerfile").read_text().splitlines():
        if line.startswith("COPY"):
            for source in [word for word in line.split()[1:-1] if not word.startswith("--")]:
                assert Path(REPOSITORY, source).exists(), source
