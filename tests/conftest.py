"""Shared fixtures: where the corpora are, real speech, tiny models."""

from __future__ import annotations

import os
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

# Before anything computes, here and in processes that tests start: threads that wait for each
# other's part by spinning take from the tests beside them what these tests save.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

import pytest
import soundfile as sf
from hypothesis import HealthCheck, settings

import emolive  # noqa: F401 - before any test loads ONNX Runtime, which would report to its maker
from emolive import i18n
from emolive.inference.classifier import OnnxClassifier
from emolive.speech.silero import SileroVad
from emolive.types import FloatArray
from tests.models import tiny_model
from tests.pulse import PulseServer, missing, pulse_server

REPOSITORY = Path(__file__).resolve().parent.parent
# Spoken by eSpeak NG; what tests count in it was counted once.
SUPPORT_CALL = REPOSITORY / "tests" / "support_call.flac"

# Many tests start the program in processes of their own: none compiles it once more.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes says how busy the machine is, no more. `--hypothesis-profile=thorough`
# tries more of them, where a property itself was changed.
anywhere = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("emolive", anywhere, max_examples=50)
settings.register_profile("thorough", anywhere, max_examples=500)
settings.load_profile("emolive")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Fails a test whose threads outlive it, and no other test."""
    before = set(threading.enumerate())
    yield
    left = [
        thread
        for thread in threading.enumerate()
        if thread not in before and thread.name.startswith(("emolive", "play "))
    ]
    for thread in left:
        thread.join(60)  # one that was told to end may have something to finish
    assert not (alive := [thread.name for thread in left if thread.is_alive()]), alive


@pytest.fixture(autouse=True)
def models_folder(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Nobody's adapted models are read or written; here, each test has its own."""
    # Not by a number: looking for the next one takes longer with each test.
    folder = tmp_path_factory.getbasetemp() / f"models-{uuid.uuid4().hex[:12]}"
    folder.mkdir()
    monkeypatch.setenv("EMOLIVE_MODELS", str(folder))
    return folder


@pytest.fixture(autouse=True)
def own_library(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test leaves anything in, or is told anything by, the library of who runs it."""
    name = f"library-{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("EMOLIVE_LIBRARY", str(tmp_path_factory.getbasetemp() / name))


@pytest.fixture(autouse=True)
def _english_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """English, whoever runs the tests; a test that changes it leaves it to no other."""
    monkeypatch.setenv("LANGUAGE", "en")
    yield
    i18n.use_language("en")


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of speech corpora, or a visible skip."""
    folder = Path(os.environ.get("EMOLIVE_CORPORA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no corpora: set EMOLIVE_CORPORA to their folder")
    return folder


@pytest.fixture(scope="session")
def speech() -> FloatArray:
    """A support call, 42 s of speech with pauses, 16 kHz mono; not to be changed."""
    samples: FloatArray
    samples, rate = sf.read(SUPPORT_CALL, dtype="float32")
    assert rate == 16_000
    samples.setflags(write=False)
    return samples


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's file; not to be changed."""
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    tiny_model(path)
    return path


@pytest.fixture(scope="session")
def classifier(model: Path) -> Iterator[OnnxClassifier]:
    """The tiny model on one core."""
    with closing(OnnxClassifier(model, "cpu", threads=1)) as made:
        yield made


@pytest.fixture(scope="session")
def vad() -> SileroVad:
    """The voice activity detector."""
    return SileroVad()


@pytest.fixture
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulseServer]:
    """A private sound card (see `tests.pulse`), plugged in, or a visible skip."""
    if reason := missing():
        pytest.skip(f"no sound card for tests: {reason}")
    with pulse_server(tmp_path_factory.mktemp("pulse")) as server:
        yield server


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A graphics card that runs every model that may; ``[True]`` once it is lost."""
    from emolive.inference import loading
    from tests.inference.sessions import FakeCudaRuntime, gpu_host

    lost = [False]

    def run() -> None:
        if lost[0]:
            raise RuntimeError("CUDA failure 719: unspecified launch failure")

    def on_card(path: Path, provider: str, *_: object, **__: object) -> OnnxClassifier:
        if provider == "cpu":
            return OnnxClassifier(path, "cpu", 1)
        runtime = FakeCudaRuntime(on_run=run)
        return OnnxClassifier(path, "auto", host=gpu_host(), session_factory=runtime)

    monkeypatch.setattr(loading, "OnnxClassifier", on_card)
    return lost
