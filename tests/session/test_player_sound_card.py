"""The player on a real PortAudio device: a null sink, whose monitor is heard."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr

from emolive.audio import portaudio
from emolive.session.playback import Track
from emolive.session.player import Player, PlayerState
from emolive.types import FloatArray
from tests.pulse import PulseServer
from tests.waiting import until

pytestmark = pytest.mark.portaudio

RATE = 16_000
SECONDS = 8


@pytest.fixture
def sound_card(pulse: PulseServer) -> Iterator[PulseServer]:
    with pulse.in_this_process():
        yield pulse


@pytest.fixture(scope="module")
def noise() -> FloatArray:
    """Every stretch of it is unlike any other.

    Up to 3 kHz only: what the sound system's resampling leaves of a fraction of a sample, and of
    the highest frequencies, must not decide whether two stretches are alike.
    """
    rng = np.random.default_rng(1)
    low = rng.uniform(-0.4, 0.4, SECONDS * RATE * 3 // 8)
    return np.clip(soxr.resample(low, RATE * 3 // 8, RATE), -0.9, 0.9).astype(np.float32)


@pytest.fixture(scope="module")
def audio(noise: FloatArray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audio") / "mono.flac"
    sf.write(path, noise, RATE)
    return path


class Ear:
    """Listens to the monitor, and knows when each sample came in."""

    def __init__(self) -> None:
        self.blocks: list[tuple[float, FloatArray]] = []
        self._stream = portaudio.open_input(
            samplerate=RATE, channels=1, dtype="float32", blocksize=160, latency=0.02,
            callback=self._callback,
        )  # fmt: skip
        self._stream.start()

    def _callback(self, frames: FloatArray, n: int, times: object, flags: object) -> None:  # noqa: ARG002
        self.blocks.append((time.monotonic(), frames[:, 0].copy()))

    def newest(self, seconds: float) -> FloatArray | None:
        """The last `seconds` that were heard; None: they came late, so nobody knows when."""
        last = self.blocks[-round(seconds * RATE / 160) :]
        times = np.array([at for at, _ in last] + [time.monotonic()])
        if np.diff(times).max() > 0.03:
            return None
        return np.concatenate([samples for _, samples in last])

    def __enter__(self) -> Ear:
        return self

    def __exit__(self, *_: object) -> None:
        portaudio.close_stream(self._stream)


def find(part: FloatArray, whole: FloatArray) -> tuple[int, float]:
    """Where `part` is in `whole`, and how alike they are (1: the same but for the level)."""
    n = len(whole) + len(part)
    product = np.fft.irfft(np.fft.rfft(whole, n) * np.conj(np.fft.rfft(part, n)), n)
    at = int(product.argmax())
    there = whole[at : at + len(part)]
    norm = float(np.linalg.norm(part[: len(there)]) * np.linalg.norm(there))
    return at, float(product[at]) / max(norm, 1e-9)


def test_what_is_heard_is_where_the_position_says(
    sound_card: PulseServer,  # noqa: ARG001
    audio: Path,
    noise: FloatArray,
) -> None:
    errors = []
    with Ear() as ear, Player([Track("mono", audio)], RATE, SECONDS * RATE) as player:
        player.play()
        until(lambda: player.position() > RATE // 2)
        for _ in range(400):
            target = player.position() + RATE // 5
            until(lambda target=target: player.position() > target)
            before, heard, after = player.position(), ear.newest(0.25), player.position()
            # A busy machine may break the sound here and there, or stop between two lines; such
            # moments tell nothing.
            if heard is not None and after - before < RATE // 100:
                at, likeness = find(heard, noise)
                if likeness > 0.9:
                    errors.append(before - (at + len(heard)))
            if len(errors) == 12:
                break
            if player.position() > 6 * RATE:
                player.seek(RATE)
                until(lambda: RATE < player.position() < 2 * RATE)
                time.sleep(0.4)
        status = player.status()
    assert status.error is None
    assert len(errors) == 12
    # A few milliseconds on an idle machine.
    assert -0.03 < np.median(errors) / RATE < 0.06


def test_at_double_speed_it_takes_half_the_time(sound_card: PulseServer, audio: Path) -> None:  # noqa: ARG001
    took: list[float] = []
    with Player([Track("mono", audio)], RATE, SECONDS * RATE) as player:
        player.set_speed(2.0)
        # Six seconds at normal speed. A busy machine makes it longer at times, never shorter.
        while len(took) < 5 and min(took, default=SECONDS) >= SECONDS - 2:
            player.seek(2 * RATE)
            player.play()
            until(lambda: player.position() > 2 * RATE)
            begin = time.monotonic()
            assert player.wait(60)
            took.append(time.monotonic() - begin)
            assert player.status().state is PlayerState.ENDED
    assert (SECONDS - 2) / 2 - 0.3 < min(took) < SECONDS - 2


def test_paused_it_leaves_the_sound_card_alone(sound_card: PulseServer, audio: Path) -> None:  # noqa: ARG001
    with Player([Track("mono", audio)], RATE, SECONDS * RATE) as player:
        player.play()
        until(lambda: player.position() > RATE // 10)
        assert not portaudio.refresh()
        player.pause()
        # Only without an open stream can devices be looked for.
        until(portaudio.refresh)


def test_a_sound_card_that_goes_away_is_one_sentence_and_may_come_back(
    sound_card: PulseServer, audio: Path
) -> None:
    with Player([Track("mono", audio)], RATE, SECONDS * RATE) as player:
        player.play()
        until(lambda: player.position() > RATE // 10)
        sound_card.stop()
        assert player.wait(60)
        error = player.status().error or ""
        assert error.count(".") == 1
        assert player.status().state is PlayerState.PAUSED
        sound_card.plug()
        player.play()
        begin = player.position()
        until(lambda: player.position() > begin + RATE // 10)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no signal that makes a server hang")
def test_a_sound_system_that_hangs_is_one_sentence(sound_card: PulseServer, audio: Path) -> None:
    with Player([Track("mono", audio)], RATE, SECONDS * RATE) as player:
        player.play()
        until(lambda: player.position() > RATE // 10)
        sound_card.signal(signal.SIGSTOP)
        try:
            assert player.wait(60)
            error = player.status().error or ""
        finally:
            sound_card.signal(signal.SIGCONT)
    assert "play" in error
    assert error.count(".") == 1


def test_no_sound_card_is_one_sentence(sound_card: PulseServer, audio: Path) -> None:
    sound_card.stop()
    assert portaudio.refresh()
    with Player([Track("mono", audio)], RATE, SECONDS * RATE) as player:
        player.play()
        assert player.wait(60)
        error = player.status().error or ""
    assert "connect headphones or a loudspeaker" in error
    assert len(error.splitlines()) == 1
    sound_card.plug()
