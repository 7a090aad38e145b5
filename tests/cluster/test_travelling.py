"""What workers on other machines need goes there: an adapted model with its base, and profiles."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from emolive.errors import ModelError
from emolive.inference.adapted import n_features
from emolive.inference.adapted_file import (
    FOLDER_VARIABLE,
    SUFFIX,
    AdaptedModel,
    Base,
    Judgement,
    read_adapted,
)
from emolive.inference.loading import open_model
from emolive.inference.model_files import ModelFiles, read_metadata
from tests.conftest import REPOSITORY
from tests.server.running import tiny

pytest.importorskip("ray", reason="needs the cluster extra")

from emolive.cluster.parcels import PackedFile, packed, unpacked

LABELS = ("calm", "upset")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with an adapted model "ours", whose base is a file there."""
    folder = tmp_path / "here"
    folder.mkdir()
    base = tiny(folder)
    width = n_features(read_metadata(base))
    judged = Judgement(
        verdict="not shown", uar=0.5, base_uar=0.5, guessing=True, gain=0.0, low=0.0, high=0.0,
        ece=0.0, base_ece=None, grouped=False, groups=2, classes=(),
    )  # fmt: skip
    model = AdaptedModel(
        name="ours",
        base=Base(choice=str(base), name="tiny", sha256=ModelFiles.of(base).sha256),
        labels=LABELS,
        weights=((0.0,) * width,) * 2,
        bias=(0.0, 3.0),
        temperature=1.0,
        abstention_threshold=0.0,
        taught_at="2026-01-01T00:00:00+00:00",
        taught=dict.fromkeys(LABELS, 2),
        sources=(),
        judgement=judged,
    )
    (folder / f"ours{SUFFIX}").write_text(model.model_dump_json())
    return folder


def test_a_parcel_is_the_same_model_elsewhere(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(models))
    parcel = packed(Path("ours"))
    digest = read_adapted(models / f"ours{SUFFIX}").digest
    models.rename(tmp_path / "gone")
    there = tmp_path / "there"
    there.mkdir()
    path = unpacked(parcel, there)
    assert read_adapted(path).digest == digest
    classifier = open_model(path, "cpu")
    assert classifier.metadata.labels == LABELS
    classifier.close()


def test_what_is_not_the_same_is_not_used(models: Path, tmp_path: Path) -> None:
    parcel = packed(models / "tiny.onnx")
    broken = replace(parcel, files=(PackedFile(parcel.name, parcel.files[0].content[:-1]),))
    with pytest.raises(ModelError, match="did not arrive whole"):
        unpacked(broken, tmp_path)
    bundled = packed(Path("fast"))
    assert bundled.files == (), "all machines have it"
    assert unpacked(bundled, tmp_path) == Path("fast")
    with pytest.raises(ModelError, match="same version of emolive on all machines"):
        unpacked(replace(bundled, fingerprint="0" * 64), tmp_path)


SERVED = """
import asyncio, os, shutil, sys, time
from pathlib import Path
from emolive.baseline import ExpectedMix, ProfileStore
from emolive.cluster.live.fleet import Fleet, FleetSettings
from emolive.cluster.live.host import ClusterHost
from emolive.cluster.ray_runtime import LOCAL, ray_cluster
from emolive.monitoring import BaselineChoice
from emolive.server.client import CallSender
from emolive.server.settings import ServerSettings
from emolive.types import Prediction
from tests.server.running import speech

library, here = map(Path, sys.argv[1:])
token = "a token for all of them"


async def send(url, key):
    async with CallSender(url, token, sampling_rate=8_000, call=key) as call:
        await call.send(speech(4.0, 8_000))


def brought(host, url, key):
    asyncio.run(send(url, key))
    deadline, found, calls = time.monotonic() + 30, [], {}
    while time.monotonic() < deadline:
        calls |= {request.id: call for request, call in host.arrivals()}
        if key in calls:
            found += [e for e in calls[key].take() if isinstance(e, Prediction)]
            if calls[key].state.over:
                break
        time.sleep(0.05)
    return [e for e in found if e.probabilities is not None]


with ray_cluster(LOCAL, 2) as ray:
    # Ray's processes have been started without this: theirs is another machine's folder.
    os.environ["EMOLIVE_MODELS"] = str(here)
    settings = ServerSettings(
        port=0, token=token, library=library, model=Path("ours"), provider="cpu", measured=False,
        name="here", baseline=BaselineChoice(ExpectedMix(0.7)), pace=4.0,
    )
    fleet = Fleet(ray, settings, library, FleetSettings(2), print)
    shutil.rmtree(here)
    host = ClusterHost(fleet)
    print("labels:", fleet.model.labels)
    first, second = fleet.members
    heard = brought(host, first.url, "one")
    print("first knew:", {e.baseline.sessions for e in heard}, {e.label for e in heard})
    deadline = time.monotonic() + 30
    while not ProfileStore(library).profiles() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2.5)  # until all workers have been told
    heard = brought(host, second.url, "two")
    print("second knew:", {e.baseline.sessions for e in heard})
    while sum(p.sessions for p in ProfileStore(library).profiles()) < 2 and (
        time.monotonic() < deadline + 30
    ):
        time.sleep(0.1)
    print("entered:", [p.sessions for p in ProfileStore(library).profiles()])
    asyncio.run(host.close())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="clusters run on Linux")
def test_workers_without_the_files_run_the_model_and_know_the_sources(
    models: Path, tmp_path: Path
) -> None:
    elsewhere = {FOLDER_VARIABLE: str(tmp_path / "elsewhere"), "TMPDIR": str(tmp_path / "temp")}
    (tmp_path / "temp").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SERVED, str(tmp_path / "library"), str(models)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **elsewhere},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "labels: ('calm', 'upset')" in done.stdout
    assert "first knew: {0} {'upset'}" in done.stdout
    assert "second knew: {1}" in done.stdout, done.stdout
    assert "entered: [2]" in done.stdout
    assert not list((tmp_path / "temp").glob("emolive-model-*")), "nothing is left behind"
