"""The sound of an alert: two soft tones, higher and thrice when it is critical."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from PySide6.QtWidgets import QApplication

from emolive.audio.output import ChosenOutput, Output
from emolive.errors import EmoliveError
from emolive.types import FloatArray, Severity

_LEAST_PAUSE_S = 2.0
_TONES = {
    Severity.INFO: (523.25, 659.26),
    Severity.WARNING: (659.26, 880.0),
    Severity.CRITICAL: (880.0, 1108.73, 880.0, 1108.73),
}
_TONE_S = 0.16
_TAIL_S = 0.25


def chime(severity: Severity, rate: int) -> FloatArray:
    """The tones, float32 ``(n,)`` at `rate` Hz, within a quarter of full scale."""
    at = np.arange(round((_TONE_S + _TAIL_S) * rate)) / rate
    envelope = np.minimum(1.0, at / 0.008) * np.exp(-at / 0.09)
    tones = _TONES[severity]
    step = round(_TONE_S * rate)
    sound = np.zeros(step * (len(tones) - 1) + len(at), np.float32)
    for i, pitch in enumerate(tones):
        tone = envelope * (np.sin(2 * np.pi * pitch * at) + 0.25 * np.sin(4 * np.pi * pitch * at))
        sound[i * step : i * step + len(at)] += (0.14 * tone).astype(np.float32)
    return sound


class Chime:
    """Plays on a thread of its own; the system's beep where there is no output.

    At most one sound every two seconds: what comes in between is dropped, for it says no more.
    """

    def __init__(
        self,
        chosen: Callable[[], str | None] = lambda: None,
        make_output: Callable[[str | None], Output] = ChosenOutput,
    ) -> None:
        """`chosen` tells the output that is set, a key of `audio.outputs` (None: the usual one)."""
        self._chosen = chosen
        self._make_output = make_output
        self._thread: threading.Thread | None = None
        self._played_at = -_LEAST_PAUSE_S
        self._stop = threading.Event()
        self.played = 0

    def play(self, severity: Severity) -> None:
        """Sound, unless one has just sounded. Returns at once."""
        now = time.monotonic()
        busy = self._thread is not None and self._thread.is_alive()
        if busy or self._stop.is_set() or now - self._played_at < _LEAST_PAUSE_S:
            return
        self._played_at = now
        self.played += 1
        self._thread = threading.Thread(
            target=self._play, args=(severity,), name="emolive chime", daemon=True
        )
        self._thread.start()

    def close(self, timeout: float) -> bool:
        """Fall silent; whether that worked in time."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def _play(self, severity: Severity) -> None:
        output = self._make_output(self._chosen())
        position = 0
        done = threading.Event()
        sound: FloatArray | None = None

        def pull(buffer: FloatArray, _at: float) -> None:
            nonlocal position, sound
            if sound is None:
                sound = chime(severity, output.rate)
            part = sound[position : position + len(buffer)]
            buffer[: len(part)] = part
            buffer[len(part) :] = 0.0
            position += len(buffer)
            if position >= len(sound) + output.rate // 4:
                done.set()

        try:
            output.open(pull)
        except EmoliveError:
            QApplication.beep()
            return
        deadline = time.monotonic() + 3.0
        while not done.wait(0.05) and not self._stop.is_set() and time.monotonic() < deadline:
            pass
        output.close()
