"""One 3-second window done the usual way, as the yardstick of `emolive bench`.

librosa's mel spectrogram of the whole window and an eager torch ResNet34 in float32: what a
notebook does. Run as `python -m training.usual_way`; prints JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import librosa
import numpy as np
import torch

from emolive.features import LogMelSpec
from training.models import build_model
from training.recipe import Recipe

Clock = Callable[[], float]
Times = dict[str, list[float]]


def time_ms(work: Callable[[], object], repeats: int, clock: Clock) -> list[float]:
    """Milliseconds of each of `repeats` calls, after two that do not count."""
    for _ in range(2):
        work()
    times = []
    for _ in range(repeats):
        start = clock()
        work()
        times.append(1e3 * (clock() - start))
    return times


def measure(repeats: int, threads: int) -> dict[str, Times]:
    """Milliseconds of features and of the network, for one window.

    "wall" is how long it takes with `threads` threads, "processor" what it takes of one core.
    """
    torch.set_num_threads(threads)
    spec = LogMelSpec()
    audio = np.random.default_rng(0).normal(0, 0.1, 3 * spec.sampling_rate).astype(np.float32)
    model = build_model(Recipe(name="usual", corpora={})).eval()

    def features() -> torch.Tensor:
        mel = librosa.feature.melspectrogram(
            y=audio,
            sr=spec.sampling_rate,
            n_fft=spec.n_fft,
            win_length=spec.win_length,
            hop_length=spec.hop_length,
            n_mels=spec.n_mels,
        )
        return torch.from_numpy(librosa.power_to_db(mel))[None, None]

    ready = features()

    def both(clock: Clock) -> Times:
        return {
            "log-mel of the whole window (librosa)": time_ms(features, repeats, clock),
            "ResNet34 (torch, eager, float32)": time_ms(lambda: model(ready), repeats, clock),
        }

    with torch.inference_mode():
        wall = both(time.perf_counter)
        torch.set_num_threads(1)
        return {"wall": wall, "processor": both(time.process_time)}


def main() -> None:
    """Print the measurement as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.repeats, arguments.threads)))  # noqa: T201


if __name__ == "__main__":
    main()
