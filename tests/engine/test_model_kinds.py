"""Any kind of model through the whole engine: the same windows, live and offline; embeddings."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.audio.dc import DcBlocker
from emolive.audio.files import FileSource
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.bench.stages import time_stages
from emolive.engine.config import EngineConfig
from emolive.engine.monitor import Monitor
from emolive.engine.offline import analyze_source
from emolive.features import LogMelSpec, WaveformSpec, model_input
from emolive.inference.batching import BatchingClassifier
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.decision import calibrated
from emolive.inference.metadata import ModelMetadata
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad
from emolive.types import Event, FeatureBlock, FloatArray, Prediction
from tests.models import tiny_metadata, tiny_model, waveform_metadata

RATE = 16_000
WARM = 30.0  # so that no answer is all one label
KINDS: dict[str, ModelMetadata] = {
    "log-mel": tiny_metadata(),
    "log-mel with embedding": tiny_metadata(embedding_size=5),
    "80 bands": tiny_metadata(front_end=LogMelSpec(n_mels=80, n_fft=512), embedding_size=4),
    "frames of 12.5 ms": tiny_metadata(front_end=LogMelSpec(n_mels=40, hop_length=200)),
    "raw log-mel": tiny_metadata(front_end=LogMelSpec(normalization="none"), temperature=WARM),
    "waveform": waveform_metadata(temperature=WARM),
    "waveform without embedding": waveform_metadata(embedding_size=None, temperature=WARM),
    "normalised waveform": waveform_metadata(front_end=WaveformSpec(normalization="window")),
    "waveform of 2 s": waveform_metadata(window_s=2.0, temperature=WARM),
}


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, OnnxClassifier]]:
    folder = tmp_path_factory.mktemp("models")
    opened = {}
    for number, (name, metadata) in enumerate(KINDS.items()):
        tiny_model(folder / f"{number}.onnx", metadata)
        opened[name] = OnnxClassifier(folder / f"{number}.onnx", "cpu")
    yield opened
    for classifier in opened.values():
        classifier.close()


def heard(
    classifier: OnnxClassifier, vad: SileroVad, samples: FloatArray, chunks: list[int]
) -> list[Event]:
    ring = SampleRing(len(samples), 1)
    source = SourceFormat(RATE, ("mono",))
    monitor = Monitor(source, ring, classifier, vad, EngineConfig(), lossless=True)
    events: list[Event] = []
    begin = index = 0
    while begin < len(samples):
        end = begin + chunks[index % len(chunks)]
        ring.write(samples[begin:end, None])
        events += monitor.step()
        begin, index = end, index + 1
    return events + monitor.finish()


@settings(max_examples=12)
@given(
    kind=st.sampled_from(list(KINDS)),
    chunks=st.lists(st.integers(1, 20_000), min_size=1, max_size=6).filter(lambda c: sum(c) > 400),
)
def test_streaming_equals_asking_about_each_window_alone(
    vad: SileroVad,
    speech: FloatArray,
    classifiers: dict[str, OnnxClassifier],
    kind: str,
    chunks: list[int],
) -> None:
    samples = speech[: RATE * 5 + 777]
    without_offset = DcBlocker(RATE).accept(samples)
    classifier = classifiers[kind]
    metadata = classifier.metadata
    events = heard(classifier, vad, samples, chunks)
    predictions = [event for event in events if isinstance(event, Prediction)]
    assert predictions[-1].end_sample > len(samples) - metadata.front_end.grid
    for one in predictions:
        assert one.end_sample - one.start_sample == metadata.window_samples
        if one.probabilities is None:
            assert one.embedding is None
            continue
        window = model_input(without_offset[one.start_sample : one.end_sample], metadata.front_end)
        output = classifier.predict(window[None])
        expected = calibrated(output.logits[0], metadata.temperature)
        np.testing.assert_allclose(one.probabilities, expected, atol=2e-4)
        if metadata.embedding_size is None:
            assert one.embedding is None
        else:
            assert output.embedding is not None
            assert one.embedding is not None
            assert one.embedding.shape == (metadata.embedding_size,)
            np.testing.assert_allclose(one.embedding, output.embedding[0], atol=2e-3)
    assert any(one.probabilities is not None for one in predictions)


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_file_is_padded_and_answered(
    vad: SileroVad, speech: FloatArray, classifiers: dict[str, OnnxClassifier], kind: str
) -> None:
    classifier = classifiers[kind]
    samples = speech[RATE : 2 * RATE + 123]
    (one,) = [e for e in heard(classifier, vad, samples, [700]) if isinstance(e, Prediction)]
    assert one.probabilities is not None
    padded = np.zeros(classifier.metadata.window_samples, np.float32)
    begin = (len(padded) - len(samples)) // 2
    padded[begin : begin + len(samples)] = DcBlocker(RATE).accept(samples)
    output = classifier.predict(model_input(padded, classifier.metadata.front_end)[None])
    expected = calibrated(output.logits[0], classifier.metadata.temperature)
    np.testing.assert_allclose(one.probabilities, expected, atol=2e-4)


def test_a_gap_leaves_no_trace_whatever_the_grid(
    vad: SileroVad, speech: FloatArray, classifiers: dict[str, OnnxClassifier]
) -> None:
    for kind, classifier in classifiers.items():
        ring = SampleRing(len(speech), 1)
        source = SourceFormat(RATE, ("mono",))
        monitor = Monitor(source, ring, classifier, vad, EngineConfig(), lossless=True)
        ring.write(speech[:50_001, None])
        monitor.step()
        monitor.gap(12_345)
        after = speech[60_000:130_000]
        ring.write(after[:, None])
        events = monitor.step()
        asked = [e for e in events if isinstance(e, Prediction) and e.probabilities is not None]
        assert asked, kind
        resumed = 50_001 + 12_345
        after = DcBlocker(RATE).accept(after)
        spec, temperature = classifier.metadata.front_end, classifier.metadata.temperature
        for one in asked:
            begin, end = one.start_sample - resumed, one.end_sample - resumed
            logits = classifier.predict(model_input(after[begin:end], spec)[None]).logits[0]
            expected = calibrated(logits, temperature)
            assert one.probabilities is not None
            np.testing.assert_allclose(one.probabilities, expected, atol=2e-4, err_msg=kind)


def test_embeddings_go_through_shared_batches(
    classifiers: dict[str, OnnxClassifier], speech: FloatArray
) -> None:
    classifier = classifiers["waveform"]
    windows = np.stack([speech[i * RATE :][:48_000] for i in range(5)])
    batching = BatchingClassifier(classifier, max_batch=3)
    found = batching.predict(windows[1:3])
    batching.close()
    whole = classifier.predict(windows)
    assert found.embedding is not None
    assert whole.embedding is not None
    np.testing.assert_allclose(found.embedding, whole.embedding[1:3], atol=1e-5)
    np.testing.assert_allclose(found.logits, whole.logits[1:3], atol=1e-5)


def test_a_file_analysis_passes_embeddings_on_and_keeps_none(
    vad: SileroVad, classifiers: dict[str, OnnxClassifier]
) -> None:
    path = asset(DEMO_AUDIO)
    passed: list[FloatArray] = []

    def listen(event: Event) -> None:
        if isinstance(event, Prediction) and event.embedding is not None:
            passed.append(event.embedding)

    source = FileSource(path, paced=False, block_s=0.5)
    found = analyze_source(
        source, path, classifiers["waveform"], vad, EngineConfig(hop_s=3.0), listen=listen
    )
    answered = [one for one in found.windows if one.probabilities is not None]
    assert len(passed) == len(answered) > 5
    assert all(one.embedding is None for one in found.windows)
    assert all(one.embedding is None for one in pickle.loads(pickle.dumps(found)).windows)


def test_what_the_program_hears_is_in_the_events_whatever_the_model(
    vad: SileroVad, speech: FloatArray, classifiers: dict[str, OnnxClassifier]
) -> None:
    pictures = {}
    for kind, classifier in classifiers.items():
        events = heard(classifier, vad, speech[: 5 * RATE], [480])
        blocks = [event.log_mel for event in events if isinstance(event, FeatureBlock)]
        pictures[kind] = np.concatenate(blocks, axis=1)
    for kind, picture in pictures.items():
        assert picture.shape == (128, 498), kind
        np.testing.assert_allclose(picture, pictures["log-mel"], atol=1e-5, err_msg=kind)


@pytest.mark.parametrize("kind", ["log-mel", "80 bands", "waveform"])
def test_the_benchmark_measures_any_kind(
    vad: SileroVad, speech: FloatArray, classifiers: dict[str, OnnxClassifier], kind: str
) -> None:
    timings = time_stages(speech, classifiers[kind], vad, EngineConfig(), hops=3)
    assert {timing.n for timing in timings} == {3}
    assert timings[-1].name == "whole hop"


def test_an_unpadded_path(tmp_path: Path) -> None:
    """A graph that leaves its number of samples free takes the window its metadata name."""
    metadata = tiny_model(
        tmp_path / "free.onnx", waveform_metadata(), input_shape=("batch", "samples")
    )
    classifier = OnnxClassifier(tmp_path / "free.onnx", "cpu")
    assert classifier.metadata.model_copy(update={"weights": ""}) == metadata
    with pytest.raises(ValueError, match=r"waveform must be \(batch, 48000\)"):
        classifier.predict(np.zeros((1, 47_999), np.float32))
    classifier.close()
