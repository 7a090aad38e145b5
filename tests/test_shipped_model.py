"""The model that users get: it fits its card, hears real speech, and does not mind the level."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from emolive.cli.main import app
from emolive.engine import EngineConfig, analyze_file
from emolive.inference.bundled import BUNDLED, BundledModel, bundled_model, model_path
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.decision import DecisionConfig
from emolive.inference.model_files import read_metadata
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad
from emolive.types import Prediction, SpeechState
from emolive.wording import percent
from training.demo_audio import CALL

# Unseen in training: the recipe's test speakers.
TEST_ACTORS = ("01", "11", "20", "21")
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


@pytest.fixture(scope="module", params=BUNDLED, ids=lambda model: model.name)
def model(request: pytest.FixtureRequest) -> BundledModel:
    chosen: BundledModel = request.param
    return chosen


@pytest.fixture(scope="module")
def classifier(model: BundledModel) -> Iterator[OnnxClassifier]:
    shipped = OnnxClassifier(model.path, "cpu")
    yield shipped
    shipped.close()


def windows(
    path: Path, classifier: OnnxClassifier, threshold: float | None = None
) -> tuple[Prediction, ...]:
    config = EngineConfig(decision=DecisionConfig(threshold=threshold))
    return analyze_file(path, classifier, SileroVad(), config).windows


def test_the_card_tells_the_scores_of_the_file(
    model: BundledModel, classifier: OnnxClassifier
) -> None:
    card = model.card.read_text(encoding="utf-8")
    metadata = classifier.metadata
    assert f"{100 * metadata.scores['clean ravdess window uar']:.1f}" in card
    assert f"{metadata.temperature:.3f}" in card
    assert metadata.licence in card
    assert model.path.stat().st_size <= 25_000_000


def test_the_demo_is_speech_and_what_follows_is_silence(
    model: BundledModel, classifier: OnnxClassifier, tmp_path: Path
) -> None:
    demo, rate = soundfile.read(asset(DEMO_AUDIO), dtype="float32")
    quiet = np.random.default_rng(0).normal(0, 1e-4, 8 * rate).astype(np.float32)
    soundfile.write(tmp_path / "demo.flac", np.concatenate((demo, quiet)), rate)
    # The lines are made for the usual model, which may be unsure of one; a synthesiser's voice is
    # foreign to both, and by itself `fast` decides nothing.
    usual = model is bundled_model(None)
    found = windows(tmp_path / "demo.flac", classifier, None if usual else 0.4)
    spoken = [w for w in found if w.end_sample <= demo.size]
    assert sum(w.state is SpeechState.SILENCE for w in spoken) < len(spoken) / 2
    told = [label for label, _ in groupby(w.label for w in spoken if w.label is not None)]
    if usual:
        meant = [line.emotion for line in CALL]
        assert any(told == meant[:i] + meant[i + 1 :] for i in range(len(meant))) or told == meant
    else:
        assert set(told) >= {"angry", "sad", "surprised"}
    assert {w.state for w in found if w.start_sample > demo.size} == {SpeechState.SILENCE}


@pytest.fixture(scope="module")
def unseen(corpora: Path) -> list[Path]:
    """Every fourth clip of the actors that the model has not heard."""
    clips = [
        path
        for actor in TEST_ACTORS
        for path in sorted((corpora / "ravdess" / f"Actor_{actor}").glob("03-01-*"))[::4]
    ]
    if not clips:
        pytest.skip("no RAVDESS in the corpora")
    return clips


@pytest.mark.corpora
def test_unseen_actors_are_understood_as_the_card_says(
    classifier: OnnxClassifier, unseen: list[Path]
) -> None:
    """The whole pipeline's file-level answer; the margin is for a quarter of the clips."""
    hits = answered = 0
    for path in unseen:
        found = analyze_file(path, classifier, SileroVad(), EngineConfig())
        answered += found.label is not None
        hits += found.label == EMOTIONS[int(path.stem.split("-")[2]) - 1]
    assert answered >= 0.9 * len(unseen)
    assert hits / answered >= classifier.metadata.scores["clean ravdess clip uar"] - 0.12


@pytest.mark.corpora
def test_the_level_changes_few_decided_labels(
    classifier: OnnxClassifier, unseen: list[Path], tmp_path: Path
) -> None:
    """At least 95 % stay the same at -20 and +20 dB; float files, so nothing is clipped."""
    parts = [soundfile.read(path, dtype="float32") for path in unseen[::2]]
    rate = parts[0][1]
    speech = np.concatenate([samples for samples, _ in parts])
    labels = []
    for gain in (1.0, 0.1, 10.0):
        path = tmp_path / f"{gain}.wav"
        soundfile.write(path, speech * np.float32(gain), rate, subtype="FLOAT")
        labels.append([(w.state, w.label) for w in windows(path, classifier, 0.4)])
    reference, *others = labels
    decided = [i for i, (state, _) in enumerate(reference) if state is SpeechState.SPEECH]
    assert len(decided) > 40
    for changed in others:
        assert np.mean([changed[i] == reference[i] for i in decided]) >= 0.95


def test_the_accurate_model_is_right_more_often_on_every_corpus() -> None:
    accurate, fast = (read_metadata(model.path).clean_scores for model in BUNDLED)
    assert all(accurate[corpus] > uar for corpus, uar in fast.items())


def test_a_bundled_model_is_chosen_by_name(tmp_path: Path) -> None:
    for one in BUNDLED:
        assert bundled_model(Path(one.name)) is one
        assert model_path(Path(one.name)) == one.path
    assert bundled_model(None) is BUNDLED[0]
    assert bundled_model(tmp_path / "own.onnx") is None
    assert model_path(tmp_path / "own.onnx") == tmp_path / "own.onnx"


def test_models_are_compared_and_a_card_is_shown() -> None:
    result = CliRunner().invoke(app, ["models", "--json"])
    listed = {one["name"]: one for one in json.loads(result.stdout)}
    assert [name for name, one in listed.items() if one["used_by_default"]] == [BUNDLED[0].name]
    table = CliRunner().invoke(app, ["models"]).stdout
    for one in listed.values():
        assert percent(one["scores"]["clean ravdess window uar"], 1) in table
        assert f"{one['other_speakers']['ece']:.3f}" in table
    elsewhere = " ".join(table.partition("corpora never heard")[2].split())
    assert " │ ".join(f"{one['other_corpora']['ece']:.3f}" for one in listed.values()) in elsewhere
    for one in listed.values():
        assert one["other_corpora"]["ece"] == one["scores"]["unseen corpora ece"]
    card = CliRunner().invoke(app, ["models", "accurate"]).stdout
    assert "Whisper" in card
    assert CliRunner().invoke(app, ["models", "nothing"]).exit_code == 2
