"""Makes `assets/demo.flac`: a short telephone support call, spoken by a computer.

Run it as ``python -m training.demo_audio``, with ``pip install --no-deps hibari-tts
praat-parselmouth`` (a neural voice, Apache-2.0, and Praat, whose resynthesis moves
the voice). Every line has its own pace, pitch, pitch range, vocal tract, brightness and loudness.
They were searched for, so that the usual model's answers match the lines or are uncertain; that
shows the program at work and measures nothing. Between the lines is faint room noise, because
digital silence is not what microphones deliver. The result is the same on every run with the same
versions.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from emolive.errors import EmoliveError
from emolive.types import FloatArray

RATE = 16_000
NOISE_DBFS = -78.0
SEED = 7
_PITCH_HZ = (75, 600)  # where Praat looks for it


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance, the emotion it is to have, and how to say it.

    `speed` is 1 at the voice's own pace, `pitch` the median in Hz, `pitch_range` 1 as the voice
    has it, `formants` the factor on the resonances of the vocal tract, `tilt` dB per octave above
    500 Hz (a voice that is raised is brighter), `seed` that of the voice's noise, `level_dbfs` the
    loudness (RMS of the speech), `pause_s` the silence after it.
    """

    emotion: str
    text: str
    speed: float
    pitch: float
    pitch_range: float
    formants: float
    tilt: float
    seed: int
    level_dbfs: float
    pause_s: float


CALL = (
    Line("neutral",
         "Good morning, customer service, my name is Robin. How can I help you today?",
         1.127, 102.56, 0.944, 1.020, -5.0, 7, -26, 1.2),
    # loud, fast, bright
    Line("angry",
         "I have called you four times! Four times! Nobody calls me back. This is unacceptable, "
         "and I want my money back, now!",
         1.359, 165.666, 1.339, 1.097, 6.703, 45, -18, 1.6),
    # quiet, slow, dark, flat
    Line("sad",
         "It was a present for my mother. She is in hospital, and she was so looking forward to "
         "it.",
         0.662, 133.024, 0.232, 1.012, -7.059, 37, -31, 1.8),
    # very high and lively
    Line("surprised",
         "You found it? Really? Oh my goodness, that is wonderful!",
         1.15, 404.0, 2.5, 1.14, 2.79, 16, -22, 1.4),
    Line("neutral",
         "It is reserved in your name until Friday at six. Have a nice day, goodbye.",
         1.185, 99.154, 0.576, 0.983, -3.985, 7, -26, 1.0),
)  # fmt: skip


def speak(line: Line) -> FloatArray:
    """Synthesise one line at `RATE`, float32 ``(n,)``, at its level.

    Raises:
        EmoliveError: the voice or Praat is missing.
    """
    try:
        import parselmouth
        from hibari import Hibari
    except ImportError as error:
        raise EmoliveError(
            f"{error.name} is not installed: run `pip install --no-deps hibari-tts "
            "praat-parselmouth`."
        ) from error
    voice = Hibari()
    said = np.asarray(voice(line.text, speed=line.speed, seed=line.seed), np.float64)
    # Where there is no voice, Praat's resynthesis draws lots.
    parselmouth.praat.run(f"random_initializeWithSeedUnsafelyButPredictably ({line.seed})")
    moved = parselmouth.praat.call(
        parselmouth.Sound(said, voice.sample_rate), "Change gender",
        *_PITCH_HZ, line.formants, line.pitch, line.pitch_range, 1.0,
    )  # fmt: skip
    spoken = tilted(np.asarray(moved.values[0]), voice.sample_rate, line.tilt)
    spoken = soxr.resample(spoken, voice.sample_rate, RATE, quality="VHQ")
    gain = 10 ** (line.level_dbfs / 20) / np.sqrt(np.mean(spoken**2))
    return np.asarray(soften(spoken * gain), np.float32)


def tilted(signal: FloatArray, rate: int, tilt: float) -> FloatArray:
    """`signal`, float ``(n,)``, with `tilt` dB per octave above (and against it below) 500 Hz."""
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(signal), 1 / rate), 50.0) / 500.0)
    gain = 10 ** (tilt / 20 * np.clip(octaves, -2.0, 4.0))
    return np.asarray(np.fft.irfft(np.fft.rfft(signal) * gain, len(signal)))


def soften(signal: FloatArray) -> FloatArray:
    """Bend the peaks of loud speech below full scale instead of clipping them."""
    return np.where(
        np.abs(signal) < 0.5, signal, np.sign(signal) * (1 - 0.5 * np.exp(1 - 2 * np.abs(signal)))
    )


def room_noise(n: int, rng: np.random.Generator) -> FloatArray:
    """Faint noise with more bass than treble, as rooms have, float32 ``(n,)``."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequency, 50.0)), n)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)) * 10 ** (NOISE_DBFS / 20), np.float32)


def compose(lines: Sequence[Line]) -> tuple[FloatArray, list[tuple[float, float]]]:
    """The whole call, float32 ``(n,)``, and where each line is spoken, in seconds."""
    parts = [np.zeros(RATE, np.float32)]
    spans = []
    at = RATE
    for line in lines:
        spoken = speak(line)
        parts += [spoken, np.zeros(round(line.pause_s * RATE), np.float32)]
        spans.append((at / RATE, (at + len(spoken)) / RATE))
        at += len(spoken) + len(parts[-1])
    signal = np.concatenate(parts)
    return signal + room_noise(len(signal), np.random.default_rng(SEED)), spans


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file and say what is in it."""
    parser = argparse.ArgumentParser(prog="python -m training.demo_audio", description=__doc__)
    default = Path(__file__).resolve().parent.parent / "assets" / "demo.flac"
    parser.add_argument("--out", type=Path, default=default, help="default: %(default)s")
    out: Path = parser.parse_args(arguments).out
    try:
        signal, spans = compose(CALL)
    except EmoliveError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sf.write(out, signal, RATE, subtype="PCM_16", compression_level=1.0)
    for (start, end), line in zip(spans, CALL, strict=True):
        sys.stdout.write(f"{start:5.1f}-{end:4.1f} s  {line.text}\n")
    size_kb = out.stat().st_size / 1000
    sys.stdout.write(f"{out}: {len(signal) / RATE:.1f} s, {size_kb:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
