"""Recorders to be killed: ``python -m tests.session.killed MODEL SPEED`` and one folder per line.

Each line ``LIBRARY LOG`` starts a process that records until it is killed, and answers with its
number. Everything heavy is imported once, before these processes branch off.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import threading
import time
from pathlib import Path

from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat, SourceState, SourceStatus
from emolive.engine import Hub
from emolive.engine.live import LiveEngine
from emolive.inference.classifier import OnnxClassifier
from emolive.session.library import Library
from emolive.session.recorder import Recorder, RecordingRequest
from emolive.speech.silero import SileroVad
from emolive.types import FloatArray, Prediction
from tests.session.killed_sound import NATIVE, STREAMS, sound

ENTRY = struct.Struct("=cdq")  # what, when (monotonic seconds), how far (frames or samples)


class FastSource:
    """Plays the sound of the test `speed` times as fast as it was spoken, and logs how far."""

    name = "fast"

    def __init__(self, speed: float, log: int) -> None:
        self._speed = speed
        self._log = log
        self._sound: FloatArray = sound()

    def open(self) -> SourceFormat:
        return SourceFormat(NATIVE, STREAMS)

    def start(self, ring: SampleRing) -> None:
        threading.Thread(target=self._play, args=(ring,), daemon=True).start()

    def status(self) -> SourceStatus:
        return SourceStatus(SourceState.RUNNING)

    def close(self) -> None:
        """Never: it is killed."""

    def _play(self, ring: SampleRing) -> None:
        begin = time.monotonic()
        while ring.written < len(self._sound):
            time.sleep(0.01)
            due = round((time.monotonic() - begin) * self._speed * NATIVE)
            ring.write(self._sound[ring.written : due])
            os.write(self._log, ENTRY.pack(b"a", time.monotonic(), ring.written))


def record(library: Path, log_path: Path, model: Path, speed: float) -> None:
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    hub = Hub()
    mailbox = hub.subscribe(10_000)
    classifier = OnnxClassifier(model, "cpu")
    engine = LiveEngine(classifier, SileroVad())
    run = engine.add("live", FastSource(speed, log), hub=hub)
    request = RecordingRequest(title=log_path.name)
    recorder = Recorder(run, Library.open(library), request)
    recorder.start()
    engine.start()
    run.start()
    os.write(log, ENTRY.pack(b"s", time.monotonic(), 0))
    while True:
        event = mailbox.get()
        if isinstance(event, Prediction) and event.stream == STREAMS[0]:
            os.write(log, ENTRY.pack(b"w", time.monotonic(), event.end_sample))


def main() -> None:
    model, speed = Path(sys.argv[1]), float(sys.argv[2])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the killed ones
    for line in sys.stdin:
        library, log = line.split()
        number = os.fork()
        if number == 0:
            try:
                record(Path(library), Path(log), model, speed)
            finally:
                os._exit(1)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
