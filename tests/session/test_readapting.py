"""A stored session decided anew from the model's own probabilities."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emolive.baseline import ExpectedMix, ProfileStore, Source
from emolive.engine.config import EngineConfig
from emolive.engine.offline import analyze_file
from emolive.errors import ModelError, SessionError
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.known_models import called, described
from emolive.resources import DEMO_AUDIO, asset
from emolive.session.export.tables import window_table
from emolive.session.library import Library
from emolive.session.readapting import readapt
from emolive.session.records import SessionInfo, StreamInfo
from emolive.session.timeline import Timeline
from emolive.speech.silero import SileroVad
from emolive.types import Baseline, Prediction
from tests.baseline.answers import answers, usual_mix
from tests.baseline.test_evidence import session as evidence
from tests.models import LABELS, tiny_model
from tests.session.filled import session_record

RATE = 16_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    # So unsure that a few minutes of a source change what it answers.
    weights = np.random.default_rng(0).normal(0, 0.1, (128, len(LABELS))).astype(np.float32)
    tiny_model(path, weights=weights)
    return path


@pytest.fixture(scope="module")
def heard(model: Path) -> tuple[Prediction, ...]:
    """The demo's answers, the model's own."""
    classifier = OnnxClassifier(model, "cpu")
    found = analyze_file(asset(DEMO_AUDIO), classifier, SileroVad(), EngineConfig())
    classifier.close()
    return found.windows


def stored(library: Library, windows: tuple[Prediction, ...]) -> SessionInfo:
    about = session_record((StreamInfo("mono", RATE),), LABELS, source="Headset")
    writer = library.create(about, audio=False)
    writer.add_windows(windows)
    return writer.finish(windows[-1].end_sample)


def own(windows: list[Prediction]) -> list[list[float] | None]:
    """The model's own answers, wherever they are kept."""
    found = [
        w.probabilities if w.raw_probabilities is None else w.raw_probabilities for w in windows
    ]
    return [None if one is None else [round(float(p), 6) for p in one] for one in found]


def test_another_mix_and_back(library: Library, heard: tuple[Prediction, ...], model: Path) -> None:
    info = stored(library, heard)
    about, before = described(model), library.windows(info.id)
    source = Source(name="Headset", model=about.fingerprint, labels=LABELS)
    known = evidence(answers(usual_mix(), 3_000), 3_000)
    ProfileStore(library.folder).add(source, known, 50.0)
    found = readapt(library, info.id, about, ExpectedMix(0.9))
    assert 0 < found.changed <= found.windows
    after = library.windows(info.id)
    assert own(after) == own(before)
    (told,) = {w.baseline for w in after if w.baseline}
    assert (told.source, told.expected_neutral, told.sessions) == ("Headset", 0.9, 1)
    neutral = LABELS.index("neutral")
    moved = [
        (w.probabilities[neutral], w.raw_probabilities[neutral])
        for w in after
        if w.probabilities is not None and w.raw_probabilities is not None
    ]
    assert np.mean([a for a, _ in moved]) > np.mean([b for _, b in moved])
    # Exports have both.
    columns = window_table(Timeline.of_session(library, info.id)).columns
    assert {"p_neutral", "raw_neutral"} <= set(columns)
    # The segments follow the windows.
    ends = {s.end_sample for s in library.segments(info.id)}
    assert ends
    assert max(ends) <= info.duration_samples
    again = readapt(library, info.id, about, ExpectedMix(0.9))
    assert again.changed == 0
    off = readapt(library, info.id, about, None)
    assert off.changed == found.changed
    assert not off.baselines
    for one, was in zip(library.windows(info.id), before, strict=True):
        assert (one.state, one.label, one.baseline) == (was.state, was.label, None)
        assert one.raw_probabilities is None
    assert own(library.windows(info.id)) == own(before)
    said = [entry.details for entry in library.audit_log() if entry.action == "adapted anew"]
    assert [one["baseline"] for one in said] == ["library", "library", "off"]
    assert library.check_audit_log().problem is None


def test_by_what_the_library_knows_of_this_model_on_this_source(
    library: Library, heard: tuple[Prediction, ...], model: Path
) -> None:
    about, store = described(model), ProfileStore(library.folder)
    known = evidence(answers(usual_mix(), 3_000), 3_000)
    source = Source(name="Headset", model=about.fingerprint, labels=LABELS)
    store.add(source, known, 50.0)
    store.add(source.model_copy(update={"model": "another"}), known, 50.0)
    store.add(source.model_copy(update={"name": "Other"}), known, 50.0)
    store.add(source.model_copy(update={"group": "de"}), known, 50.0)
    info = stored(library, heard)
    plain = readapt(library, info.id, about, ExpectedMix()).baselines["mono"].told
    assert (plain.source, plain.sessions) == ("Headset", 2)  # of whichever group
    told = Baseline("Headset, de", 10.0, 1, 0.3, 0.45)
    mine = tuple(replace(w, raw_probabilities=w.probabilities, baseline=told) for w in heard)
    second = readapt(library, stored(library, mine).id, about, ExpectedMix()).baselines["mono"].told
    assert (second.source, second.sessions) == ("Headset, de", 1)


def test_what_cannot_be_is_one_sentence(
    library: Library, heard: tuple[Prediction, ...], model: Path
) -> None:
    info = stored(library, heard)
    about = described(model)
    other = about.model_copy(update={"labels": LABELS[:-1]})
    with pytest.raises(SessionError, match="has other labels"):
        readapt(library, info.id, other, None)
    # Nothing is known of the source: the session itself tells.
    alone = readapt(library, info.id, about, ExpectedMix(None)).baselines["mono"].told
    assert (alone.source, alone.sessions) == ("Headset", 1)
    assert 0 < alone.minutes < 1
    silent = stored(library, tuple(replace(w, probabilities=None) for w in heard))
    with pytest.raises(SessionError, match="no answers"):
        readapt(library, silent.id, about, None)
    with pytest.raises(ModelError, match="give its file with --model"):
        called("tiny")
    assert called("tiny", model) == about
    assert called("emolive-resnet34").labels
    with pytest.raises(ModelError, match="is not the model other"):
        called("other", model)
