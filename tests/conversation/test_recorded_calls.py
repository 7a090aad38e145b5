"""Recorded calls through everything: files in, answers and conversation out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr

from emolive.audio.call import CallFiles, RecordedCall
from emolive.audio.files import FileSource
from emolive.conversation import analyze_call
from emolive.engine import EngineConfig
from emolive.errors import AudioFileError
from emolive.inference.classifier import OnnxClassifier
from emolive.speech.silero import SileroVad
from emolive.types import Band, FloatArray, Role, SpeechState
from tests.conversation.calls import RATE, spoken
from tests.conversation.test_meter import LENGTH_S, NEAR_S, TALK


@pytest.fixture
def recorded(tmp_path: Path, speech: FloatArray) -> dict[str, Path]:
    """The known call as a stereo file, and as a narrow and a wide file per party."""
    audio = spoken(speech, TALK, LENGTH_S)
    paths = {name: tmp_path / f"{name}.wav" for name in ("both", "agent", "customer")}
    sf.write(paths["both"], audio, RATE)
    narrow = soxr.resample(audio[:, 0], RATE, 8_000)
    sf.write(paths["agent"], narrow[: 15 * 8_000], 8_000, subtype="ULAW")
    sf.write(paths["customer"], audio[:, 1], RATE)
    return paths


def test_two_files_and_one_file_tell_the_same(
    recorded: dict[str, Path], classifier: OnnxClassifier, vad: SileroVad
) -> None:
    config = EngineConfig()
    pair = CallFiles(recorded["agent"], recorded["customer"], paced=False, block_s=0.5)
    whole = RecordedCall(FileSource(recorded["both"], paced=False, channels="split"))
    first = analyze_call(pair, "call", classifier, vad, config)
    second = analyze_call(whole, recorded["both"], classifier, vad, config)
    for found in (first, second):
        agent, customer = found.conversation.parties
        assert (agent.role, customer.role) == (Role.AGENT, Role.CUSTOMER)
        assert (agent.turns, customer.turns) == (2, 2)
        assert customer.interruptions == 1
        states = {w.state for w in found.analysis.windows if w.stream == "agent"}
        assert states <= {SpeechState.NOT_INFERRED, SpeechState.SILENCE}
        assert found.analysis.duration_s == pytest.approx(LENGTH_S)
        answers = [w for w in found.analysis.windows if w.probabilities is not None]
        assert {w.stream for w in answers} == {"customer"}
    assert first.conversation.overtalk_s == pytest.approx(
        second.conversation.overtalk_s, abs=NEAR_S
    )
    told = {s.name: (s.native_rate, s.band, s.emotion) for s in first.analysis.streams}
    assert told["agent"] == (8_000, Band.NARROW, False)
    assert told["customer"] == (RATE, Band.WIDE, True)


def test_the_agent_may_be_on_the_right(
    recorded: dict[str, Path], classifier: OnnxClassifier, vad: SileroVad
) -> None:
    source = FileSource(recorded["both"], paced=False, channels="split")
    found = analyze_call(
        RecordedCall(source, "right"), recorded["both"], classifier, vad, EngineConfig()
    )
    assert [p.role for p in found.conversation.parties] == [Role.CUSTOMER, Role.AGENT]
    assert found.conversation.party(Role.AGENT).interruptions == 1


def test_a_mono_call_is_refused_and_without_roles_has_one_party(
    recorded: dict[str, Path], classifier: OnnxClassifier, vad: SileroVad
) -> None:
    mono = FileSource(recorded["customer"], paced=False, channels="split")
    with pytest.raises(AudioFileError, match="cannot be told apart"):
        analyze_call(RecordedCall(mono), "mono", classifier, vad, EngineConfig())
    found = analyze_call(mono, "mono", classifier, vad, EngineConfig())
    assert not found.conversation.separable
    assert found.conversation.parties[0].talk_s > 5


@pytest.mark.corpora
def test_a_real_call(corpora: Path, classifier: OnnxClassifier, vad: SileroVad) -> None:
    """Four minutes with a car repair shop: who talks how much is known from its own pauses."""
    paths = [corpora / "calls" / f"auto_repairs_40_{who}.flac" for who in ("agent", "caller")]
    if not all(path.is_file() for path in paths):
        pytest.skip("no calls in the corpora")
    source = CallFiles(paths[0], paths[1], paced=False, block_s=0.5)
    found = analyze_call(source, "call", classifier, vad, EngineConfig())
    metrics = found.conversation
    assert metrics.talk_s - metrics.overtalk_s + metrics.silence_s == pytest.approx(
        metrics.observed_s
    )
    assert metrics.duration_s == pytest.approx(245.4, abs=0.2)
    for party, path in zip(metrics.parties, paths, strict=True):
        samples, rate = sf.read(path, dtype="float32")
        frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
        loud = 20 * np.log10(np.sqrt(np.square(frames).mean(axis=1)) + 1e-9) > -45
        # Energy alone, without filling in, sees a little less.
        assert party.talk_s == pytest.approx(float(loud.sum()) * 160 / rate, rel=0.35)
        assert party.talk_s > 60
        assert party.turns > 10
        assert party.syllables_per_s is not None
        assert 3.0 < party.syllables_per_s < 7.5
        assert party.responses.median_s is not None
        assert -0.5 < party.responses.median_s < 1.5
        assert party.level_dbfs is not None
        assert -45 < party.level_dbfs < -10
    assert metrics.overtalk_share < 0.2
    assert all(status.band is Band.NARROW for status in found.analysis.streams)
    agent = [w for w in found.analysis.windows if w.stream == "agent"]
    assert all(w.probabilities is None for w in agent)
    assert sum(w.state is SpeechState.NOT_INFERRED for w in agent) > 100
