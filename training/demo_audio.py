"""Makes `assets/demo.flac`: a short telephone support call, spoken by eSpeak NG.

Run it as ``python -m training.demo_audio``. Every line has its own voice, rate, pitch, pitch range
and loudness, so that a listener (or a model) hears moods change; between the lines is faint room
noise, because digital silence is not what microphones deliver. The result is the same on every run
with the same version of eSpeak NG.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import soundfile as sf
import soxr

from emolive.errors import EmoliveError
from emolive.types import FloatArray

RATE = 16_000
NOISE_DBFS = -78.0
SEED = 7


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance and how to say it.

    `rate` is in words a minute, `pitch` on eSpeak's scale of 0 to 99, `pitch_range` in percent of
    the voice's own, `level_dbfs` the loudness (RMS of the speech), `pause_s` the silence after it.
    """

    text: str
    voice: str
    rate: int
    pitch: int
    pitch_range: int
    level_dbfs: float
    pause_s: float


AGENT, CUSTOMER, CALLER, PARTNER = "en-us+steph", "en-us+m3", "en-us+Annie", "en-us+m7"

CALL = (
    # neutral
    Line("Good morning, customer service. How can I help you?",
         AGENT, 160, 50, 100, -28, 1.1),
    # angry: loud, fast, wide
    Line("I have called you four times! Four times! Nobody calls me back, and I want my "
         "money back, now!",
         CUSTOMER, 235, 75, 160, -17, 1.6),
    # calm: slow, level
    Line("I understand. Take your time, I will look into it.",
         AGENT, 130, 38, 50, -31, 1.4),
    # sad: quiet, slow, low, flat
    Line("It was a present for my mother. She was so looking forward to it.",
         CALLER, 120, 15, 25, -35, 1.9),
    # surprised: high, wide
    Line("Oh! Wait, really? It is in the shop around the corner?",
         CALLER, 190, 85, 180, -22, 1.1),
    # happy: bright, lively
    Line("That is wonderful, thank you so much! You have made my day!",
         CALLER, 195, 75, 150, -21, 1.4),
    # fearful: fast, high, soft
    Line("But what if somebody else takes it? Please, please keep it for us.",
         PARTNER, 225, 95, 110, -29, 1.2),
    # neutral
    Line("It is reserved in your name. Have a nice day, goodbye.",
         AGENT, 160, 48, 90, -28, 1.0),
)  # fmt: skip


def speak(line: Line) -> FloatArray:
    """Synthesise one line at `RATE`, float32 ``(n,)``, at its level.

    Raises:
        EmoliveError: eSpeak NG is missing or fails.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise EmoliveError(
            "eSpeak NG was not found: install it (`sudo apt install espeak-ng`, "
            "`brew install espeak-ng`, or https://github.com/espeak-ng/espeak-ng on Windows)."
        )
    text = f'<speak><prosody range="{line.pitch_range}%">{escape(line.text)}</prosody></speak>'
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "line.wav"
        run = subprocess.run(
            [program, "-m", "-v", line.voice, "-s", str(line.rate), "-p", str(line.pitch),
             "-w", str(wav), text],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        if run.returncode or not wav.exists():
            raise EmoliveError(f'eSpeak NG failed for voice "{line.voice}": {run.stderr.strip()}.')
        spoken, rate = sf.read(wav, dtype="float32")
    loud = np.flatnonzero(np.abs(spoken) > 0.01 * np.abs(spoken).max())
    spoken = soxr.resample(spoken[loud[0] : loud[-1] + 1], rate, RATE, quality="VHQ")
    gain = 10 ** (line.level_dbfs / 20) / np.sqrt(np.mean(spoken**2))
    return np.asarray(soften(spoken * gain), np.float32)


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
        sys.stdout.write(f"{start:5.1f}-{end:4.1f} s  {line.voice:9} {line.text}\n")
    size_kb = out.stat().st_size / 1000
    sys.stdout.write(f"{out}: {len(signal) / RATE:.1f} s, {size_kb:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
