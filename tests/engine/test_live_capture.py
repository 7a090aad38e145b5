"""Capture through a real PortAudio device: what is played into a null sink is heard and judged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.audio.microphone import Microphone
from emolive.engine import EngineConfig, Hub, LiveRun, Mailbox
from emolive.engine.live import LiveEngine
from emolive.inference.classifier import OnnxClassifier
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, EngineStatus, Prediction, Segment, SpeechState
from tests.engine.fakes import until, until_state
from tests.pulse import PulseServer

pytestmark = pytest.mark.portaudio


@pytest.fixture(scope="module")
def corpus_speech(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some ten seconds of acted speech, one utterance after the other."""
    clips = sorted((corpora / "ravdess" / "Actor_05").glob("03-01-*"))[::12]
    if not clips:
        pytest.skip("no RAVDESS in the corpora")
    parts: list[np.ndarray] = []
    rate = 0
    for clip in clips:
        samples, rate = sf.read(clip, dtype="float32", always_2d=True)
        parts.append(samples.mean(axis=1))
        if sum(map(len, parts)) > 10 * rate:
            break
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    joined = np.concatenate(parts)
    sf.write(path, joined / np.abs(joined).max() * 0.7, rate)
    return path


@pytest.fixture
def live(
    pulse: PulseServer, classifier: OnnxClassifier, vad: SileroVad
) -> Iterator[tuple[LiveRun, Mailbox]]:
    with pulse.in_this_process():
        hub = Hub()
        mailbox = hub.subscribe(20_000)
        config = EngineConfig(reconnect_every_s=0.2, status_every_s=0.2)
        engine = LiveEngine(classifier, vad, config)
        run = engine.add("live", Microphone(), hub=hub)
        engine.start()
        run.start()
        try:
            until_state(mailbox, EngineState.RUNNING)
            yield run, mailbox
        finally:
            engine.stop()
    assert run.wait(60)


@pytest.mark.corpora
def test_played_speech_is_captured_and_judged(
    pulse: PulseServer, live: tuple[LiveRun, Mailbox], corpus_speech: Path
) -> None:
    run, mailbox = live
    player = pulse.play(corpus_speech)
    try:
        answers: list[Prediction] = []
        while len([a for a in answers if a.state is SpeechState.SPEECH]) < 6:
            event, _ = until(mailbox, lambda e: isinstance(e, Prediction))
            assert isinstance(event, Prediction)
            answers.append(event)
            assert len(answers) < 40, "no speech was heard"
    finally:
        player.kill()
        player.wait()
    run.stop()
    status = run.status()
    assert status.state is EngineState.STOPPED, status.reason
    assert status.overflows == 0
    assert status.hint is None
    spoken = [answer for answer in answers if answer.state is SpeechState.SPEECH]
    labels = {answer.label for answer in spoken}
    assert None not in labels
    for answer in spoken:
        assert answer.speech_ratio > 0.12
        assert answer.probabilities is not None
        assert answer.probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    # A loaded machine may skip a window and answer late; whenever it is free, it answers at once.
    assert min(answer.latency_s for answer in answers) < 1.0
    assert {e.label for e in mailbox.drain() if isinstance(e, Segment)} & labels


def test_an_unplugged_device_comes_back_by_itself(
    pulse: PulseServer, live: tuple[LiveRun, Mailbox]
) -> None:
    run, mailbox = live
    until(mailbox, lambda e: isinstance(e, EngineStatus) and e.elapsed_s > 0.5)
    pulse.unplug()
    lost, _ = until_state(mailbox, EngineState.RECONNECTING)
    assert lost.reason
    pulse.plug()
    back, _ = until_state(mailbox, EngineState.RUNNING)
    assert back.reconnects == 1
    after, _ = until(
        mailbox, lambda e: isinstance(e, EngineStatus) and e.elapsed_s > back.elapsed_s + 0.5
    )
    assert isinstance(after, EngineStatus)
    assert after.streams[0].samples_lost > 0
    assert run.status().state is EngineState.RUNNING


def test_a_silent_monitor_brings_the_hint(live: tuple[LiveRun, Mailbox]) -> None:
    """Nothing is played: the sink's monitor delivers digital zeros, like a muted microphone."""
    _, mailbox = live
    event, _ = until(mailbox, lambda e: isinstance(e, EngineStatus) and e.hint is not None)
    assert isinstance(event, EngineStatus)
    assert 2.0 <= event.elapsed_s < 10.0
