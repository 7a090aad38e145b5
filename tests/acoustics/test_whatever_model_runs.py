"""Pictures, band, levels and speaking rate are the program's own: no model changes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr

from emolive.acoustics import SPECTROGRAM
from emolive.audio.files import FileSource
from emolive.conversation import ConversationMeter, Party
from emolive.engine.config import EngineConfig
from emolive.engine.offline import analyze_source
from emolive.features import LogMelSpec
from emolive.history.model import MonitorModel
from emolive.inference.bundled import BUNDLED
from emolive.inference.classifier import OnnxClassifier
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad
from emolive.types import Band, Event, FeatureBlock, FloatArray, RunFacts
from tests.models import tiny_metadata, tiny_model, waveform_metadata

OTHERS = {
    "waveform": waveform_metadata(),
    "80 bands": tiny_metadata(front_end=LogMelSpec(n_mels=80, n_fft=512, f_min=0.0)),
    "40 bands of 12.5 ms": tiny_metadata(
        front_end=LogMelSpec(n_mels=40, hop_length=200, f_max=4_000.0)
    ),
    "another window": waveform_metadata(window_s=2.0),
}


@dataclass
class Heard:
    """What was heard of a recording."""

    band: Band | None
    syllables_per_s: float | None
    level_dbfs: float | None
    picture: FloatArray
    shown: FloatArray
    levels: list[tuple[int, int, float, float]] = field(default_factory=list)


@pytest.fixture(scope="module", params=["wide", "telephone"])
def recording(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of speech, as it is or as a softphone hands a telephone call on."""
    samples, rate = sf.read(asset(DEMO_AUDIO), frames=20 * 16_000, dtype="float32")
    if request.param == "telephone":
        samples = soxr.resample(soxr.resample(samples, rate, 8_000), 8_000, rate)
    path = tmp_path_factory.mktemp("heard") / f"{request.param}.wav"
    sf.write(path, samples, rate)
    return path


def hear(path: Path, classifier: OnnxClassifier, vad: SileroVad) -> Heard:
    metadata = classifier.metadata
    config = EngineConfig()
    meter = ConversationMeter([Party("mono")], metadata.sampling_rate)
    info = RunFacts(
        source="file",
        model=metadata.name,
        provider="CPU",
        labels=metadata.labels,
        rate=metadata.sampling_rate,
        window_samples=metadata.window_samples,
        hop_samples=config.hop_samples(metadata.front_end),
    )
    live = MonitorModel(info)
    blocks: list[FeatureBlock] = []

    def listen(event: Event) -> None:
        meter.accept(event)
        if isinstance(event, FeatureBlock):
            blocks.append(event)
            live.apply([event])

    source = FileSource(path, paced=False, block_s=0.25)
    found = analyze_source(source, path, classifier, vad, config, listen=listen)
    (party,) = meter.finish().parties
    picture = np.concatenate([block.log_mel for block in blocks], axis=1)
    return Heard(
        found.streams[0].band,
        party.syllables_per_s,
        party.level_dbfs,
        picture,
        live.streams["mono"].spectrogram.columns(np.arange(picture.shape[1] + 1)),
        [(b.start_sample, b.end_sample, b.level_dbfs, b.peak_dbfs) for b in blocks],
    )


@pytest.fixture(scope="module")
def bundled() -> Iterator[OnnxClassifier]:
    classifier = OnnxClassifier(BUNDLED[0].path, "cpu")
    yield classifier
    classifier.close()


@pytest.fixture(scope="module")
def usual(recording: Path, bundled: OnnxClassifier, vad: SileroVad) -> Heard:
    return hear(recording, bundled, vad)


def test_the_recordings_are_heard_for_what_they_are(recording: Path, usual: Heard) -> None:
    assert usual.band is (Band.NARROW if recording.stem == "telephone" else Band.WIDE)
    assert usual.syllables_per_s is not None
    assert 2.0 < usual.syllables_per_s < 8.0
    assert usual.picture.shape == (SPECTROGRAM.n_mels, SPECTROGRAM.n_frames(20 * 16_000))


@pytest.mark.parametrize("kind", OTHERS)
def test_no_model_changes_what_is_heard(
    kind: str, recording: Path, usual: Heard, vad: SileroVad, tmp_path: Path
) -> None:
    tiny_model(tmp_path / "other.onnx", OTHERS[kind])
    classifier = OnnxClassifier(tmp_path / "other.onnx", "cpu")
    found = hear(recording, classifier, vad)
    classifier.close()
    assert found.band is usual.band
    assert found.syllables_per_s == usual.syllables_per_s
    assert found.level_dbfs == usual.level_dbfs
    np.testing.assert_allclose(found.picture, usual.picture, atol=1e-5)
    # A level on the border of two bytes may fall to either side.
    assert np.abs(found.shown.astype(int) - usual.shown.astype(int)).max() <= 1
    assert found.levels == usual.levels
