"""The explainer on real audio and a real graph: it follows, answers, and never answers too late."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from emolive.acoustics import SPECTROGRAM
from emolive.engine.hub import Hub
from emolive.errors import EmoliveError
from emolive.explain.cues import Cue, measure
from emolive.explain.explainer import Explainer
from emolive.explain.moment import Explanation, Moment
from emolive.features import LogMelSpec, log_mel
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.metadata import ModelMetadata
from emolive.types import FeatureBlock, FloatArray, Prediction, SpeechState
from tests.models import tiny_metadata, tiny_model, waveform_metadata

pytest.importorskip("parselmouth", reason="needs the extra `cues`")

METADATA = tiny_metadata()
SPEC = METADATA.front_end
RATE = SPEC.sampling_rate
WINDOW = METADATA.window_samples


class ExplainedRun:
    """A hub, an explainer on it, and what it answered."""

    def __init__(self, model: Path, metadata: ModelMetadata = METADATA, **options: object) -> None:
        self.hub = Hub()
        self.opened: list[OnnxClassifier] = []
        self.answers: list[Explanation] = []
        self.answered = threading.Event()

        def open_classifier() -> OnnxClassifier:
            self.opened.append(OnnxClassifier(model, "cpu"))
            return self.opened[-1]

        self.explainer = Explainer(
            self.hub.subscribe(20_000), metadata, open_classifier, budget_s=0.2, **options
        )
        self.explainer.start()

    def hear(self, samples: FloatArray, start: int = 0, stream: str = "mono") -> None:
        """What an engine says of this audio, with a window every second."""
        for at in range(0, len(samples), RATE // 10):
            piece = samples[at : at + RATE // 10]
            end = start + at + len(piece)
            frames = log_mel(piece, SPEC)
            self.hub.publish(
                FeatureBlock(stream, start + at, end, frames, -20, -9, True, samples=piece)
            )
            if at + len(piece) >= WINDOW and (at + len(piece)) % RATE == 0:
                shares = np.full(8, 0.125, np.float32)
                about = (stream, end - WINDOW, end, shares)
                self.hub.publish(Prediction(*about, SpeechState.SPEECH, "happy", 0.5, 0.8, 0.0))

    def ask(self, moment: Moment) -> Explanation:
        self.answered.clear()
        self.explainer.ask(moment, self._answer)
        assert self.answered.wait(60)
        return self.answers[-1]

    def _answer(self, explanation: Explanation) -> None:
        self.answers.append(explanation)
        self.answered.set()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[ExplainedRun]:
    tiny_model(tmp_path / "tiny.onnx")
    made = ExplainedRun(tmp_path / "tiny.onnx")
    yield made
    assert made.explainer.close(60)


def test_a_moment_is_explained_with_what_was_heard(run: ExplainedRun, speech: FloatArray) -> None:
    run.hear(speech[: 30 * RATE])
    start = 6 * RATE
    found = run.ask(Moment("mono", start, start + WINDOW, "happy"))
    assert found.problem is None
    assert found.log_mel is not None
    np.testing.assert_array_equal(found.log_mel, log_mel(speech[start : start + WINDOW], SPEC))
    assert found.saliency is not None
    assert found.saliency.worth.shape == found.log_mel.shape
    assert np.abs(found.saliency.worth).max() > 0
    assert found.baseline_windows == 10, "windows that do not overlap"
    assert {reading.cue for reading in found.cues} == set(Cue)
    assert all(reading.usual is not None for reading in found.cues)
    assert found.words.endswith("usually sounds.")
    assert len(run.opened) == 1
    # And what is in the stretch that it rests on, which is a part of the window.
    assert found.stretch is not None
    begin, end = found.stretch
    assert 0 <= begin < end <= WINDOW
    assert end - begin >= 0.6 * RATE
    alone = measure(speech[start + begin : start + end], RATE)
    told = {reading.cue: reading.value for reading in found.stretch_cues}
    assert told == {cue: alone.get(cue) for cue in Cue if cue is not Cue.PAUSES}


@pytest.mark.parametrize(
    "metadata",
    [waveform_metadata(), tiny_metadata(front_end=LogMelSpec(n_mels=80, n_fft=512))],
    ids=["waveform", "80-bands"],
)
def test_any_kind_of_model_is_explained_on_the_spectrogram(
    tmp_path: Path, speech: FloatArray, metadata: ModelMetadata
) -> None:
    tiny_model(tmp_path / "other.onnx", metadata)
    run = ExplainedRun(tmp_path / "other.onnx", metadata)
    run.hear(speech[: 9 * RATE])
    start = 4 * RATE
    asked = [run.ask(Moment("mono", start, start + WINDOW, one)) for one in metadata.labels]
    assert run.explainer.close(60)
    # What is next to impossible rests on nothing; the leading one rests on something.
    found = max(asked, key=lambda one: one.saliency.probability if one.saliency else 0.0)
    assert found.problem is None
    assert found.log_mel is not None
    window = speech[start : start + WINDOW]
    np.testing.assert_array_equal(found.log_mel, log_mel(window, SPECTROGRAM))
    assert found.saliency is not None
    assert found.saliency.worth.shape == (128, 298)
    assert np.abs(found.saliency.worth).max() > 0


def test_streams_have_baselines_of_their_own(run: ExplainedRun, speech: FloatArray) -> None:
    run.hear(speech[: 30 * RATE], stream="left")
    run.hear((0.1 * speech[: 30 * RATE]).astype(np.float32), stream="right")
    start = 6 * RATE
    left = run.ask(Moment("left", start, start + WINDOW, "happy"))
    right = run.ask(Moment("right", start, start + WINDOW, "happy"))
    usual = [next(r.usual for r in found.cues if r.cue is Cue.LOUDNESS) for found in (left, right)]
    assert usual[0] is not None
    assert usual[1] is not None
    assert usual[0] - usual[1] == pytest.approx(20, abs=0.5)
    assert len(run.opened) == 1


def test_what_is_not_kept_any_more_is_said(tmp_path: Path, speech: FloatArray) -> None:
    tiny_model(tmp_path / "tiny.onnx")
    run = ExplainedRun(tmp_path / "tiny.onnx", memory_s=12.0)
    run.hear(speech[: 20 * RATE])
    found = run.ask(Moment("mono", 0, WINDOW, "happy"))
    assert found.problem is not None
    assert "only the last 0.2 minutes" in found.problem
    assert found.saliency is None
    assert not run.opened
    assert run.ask(Moment("mono", 15 * RATE, 18 * RATE, "happy")).problem is None
    assert run.explainer.close(60)


def test_without_praat_the_network_is_still_asked(tmp_path: Path, speech: FloatArray) -> None:
    def missing() -> None:
        raise EmoliveError("Acoustic cues need an extra.")

    tiny_model(tmp_path / "tiny.onnx")
    run = ExplainedRun(tmp_path / "tiny.onnx", praat=missing)
    run.hear(speech[: 6 * RATE])
    found = run.ask(Moment("mono", 0, WINDOW, "happy"))
    assert found.problem == "Acoustic cues need an extra."
    assert found.saliency is not None
    assert found.cues == ()
    assert run.explainer.close(60)


def test_a_model_that_cannot_be_opened_is_one_sentence(tmp_path: Path, speech: FloatArray) -> None:
    run = ExplainedRun(tmp_path / "none.onnx")
    run.hear(speech[: 6 * RATE])
    found = run.ask(Moment("mono", 0, WINDOW, "happy"))
    assert found.problem is not None
    assert "none.onnx" in found.problem
    assert run.explainer.close(60)


def test_a_newer_question_replaces_one_that_waits(run: ExplainedRun, speech: FloatArray) -> None:
    run.hear(speech[: 10 * RATE])
    asked = [Moment("mono", at * RATE, at * RATE + WINDOW, "happy") for at in range(6)]
    done = threading.Event()
    answered: list[Moment] = []

    def answer(explanation: Explanation) -> None:
        answered.append(explanation.moment)
        if explanation.moment == asked[-1]:
            done.set()

    for moment in asked:
        run.explainer.ask(moment, answer)
    assert done.wait(60)
    assert answered[-1] == asked[-1]
    assert len(answered) <= 2


def test_closing_ends_the_thread_and_nothing_is_answered_after(
    tmp_path: Path, speech: FloatArray
) -> None:
    tiny_model(tmp_path / "tiny.onnx")
    run = ExplainedRun(tmp_path / "tiny.onnx")
    run.hear(speech[: 6 * RATE])
    run.explainer.ask(Moment("mono", 0, WINDOW, "happy"), run._answer)
    assert run.explainer.close(60)
    count = len(run.answers)
    run.explainer.ask(Moment("mono", 0, WINDOW, "happy"), run._answer)
    assert not run.answered.wait(0.3) or count
    assert len(run.answers) == count
    assert not [t for t in threading.enumerate() if t.name == "emolive explain"]
