"""What is in memory becomes a session like one that was recorded, and nothing before that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.audio.array import ArraySource
from emolive.errors import SessionError
from emolive.monitoring import Monitoring, RunDescription, RunSettings
from emolive.monitoring.runs import MonitoredRun
from emolive.resources import DEMO_AUDIO, asset
from emolive.session.library import Library
from emolive.session.recent import RecentRun
from emolive.session.recorder import RecordingRequest
from emolive.session.records import SessionState
from emolive.types import Alert, FeatureBlock, Prediction, Severity
from tests.models import tiny_model

RATE = 16_000


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library") as opened:
        yield opened


def heard(tmp_path: Path, seconds: float, keep_s: float) -> tuple[MonitoredRun, Monitoring]:
    """Two channels of the demo, through the real engine, to their end."""
    tiny_model(tmp_path / "tiny.onnx")
    samples, _ = sf.read(asset(DEMO_AUDIO), frames=round(seconds * RATE), dtype="float32")
    both = np.stack([samples, samples[::-1] / 2], axis=1)
    monitoring = Monitoring()
    settings = RunSettings(tmp_path / "tiny.onnx", "cpu", keep_s=keep_s, explain=False)
    source = ArraySource(both, RATE, block_s=0.1, channels="split")
    run = monitoring.prepare(RunDescription(source, settings))
    run.start()
    assert run.live.wait(60.0)
    return run, monitoring


def test_what_was_heard_is_kept_with_its_sound_and_answers(
    tmp_path: Path, library: Library
) -> None:
    run, monitoring = heard(tmp_path, 20, keep_s=60.0)
    with closing(monitoring):
        recent = run.recent
        assert recent is not None
        recent._thread.join(60)
        assert recent.held_s == pytest.approx(20.0, abs=0.2)
        assert not list(library.sessions())
        info = recent.keep(library, RecordingRequest(tags=("later",)))
        assert info.state is SessionState.COMPLETE
        assert info.duration_s == pytest.approx(20.0, abs=0.1)
        assert info.tags == ("later",)
        assert info.title.startswith(run.live.facts.source)
        windows = library.windows(info.id)
        assert {window.stream for window in windows} == {"left", "right"}
        assert len(windows) > 60
        assert library.segments(info.id)
        samples, _ = sf.read(asset(DEMO_AUDIO), frames=20 * RATE, dtype="float32")
        path = library.audio_path(info.id, "left")
        assert path is not None
        stored, rate = sf.read(path, dtype="float32")
        assert rate == RATE
        n = len(stored)
        # As the engine heard it: without what a device adds below speech.
        assert np.corrcoef(stored, samples[:n])[0, 1] > 0.999
        recent.close()
        assert recent.held_s == 0.0
        with pytest.raises(SessionError, match="nothing in memory"):
            recent.keep(library, RecordingRequest())


def test_only_the_last_seconds_are_held_and_kept(tmp_path: Path, library: Library) -> None:
    run, monitoring = heard(tmp_path, 30, keep_s=8.0)
    with closing(monitoring):
        recent = run.recent
        assert recent is not None
        recent._thread.join(60)
        assert recent.held_s == pytest.approx(8.0, abs=0.2)
        info = recent.keep(library, RecordingRequest("The end", audio=False))
        assert info.title == "The end"
        assert not info.has_audio
        assert info.duration_s == pytest.approx(8.0, abs=0.2)
        windows = library.windows(info.id)
        assert windows
        assert min(window.start_sample for window in windows) >= 0
        assert max(window.end_sample for window in windows) <= info.duration_samples
        assert sum(isinstance(event, FeatureBlock) for event in recent.events()) < 2 * 25 * 9
        blocks = [e for e in recent.events() if isinstance(e, FeatureBlock) and e.stream == "left"]
        assert sum(len(b.samples) for b in blocks if b.samples is not None) < 8.3 * RATE
        assert any(isinstance(event, Prediction) for event in recent.events())
        recent.close()


def test_nothing_is_held_where_nobody_wants_it(tmp_path: Path) -> None:
    run, monitoring = heard(tmp_path, 4, keep_s=0.0)
    with closing(monitoring):
        assert run.recent is None


def test_alerts_are_kept_and_a_disk_that_takes_nothing_leaves_no_session(
    tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, monitoring = heard(tmp_path, 6, keep_s=60.0)
    with closing(monitoring):
        recent = run.recent
        assert isinstance(recent, RecentRun)
        recent._thread.join(60)
        alert = Alert("Loud", "silence", Severity.INFO, "left", None, 0, RATE, 2 * RATE, "Loud")
        recent._take(alert)
        info = recent.keep(library, RecordingRequest())
        assert [one.rule for one in library.alerts(info.id)] == ["Loud"]

        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("emolive.session.recent.FlacWriter", full)
        with pytest.raises(SessionError, match="space"):
            recent.keep(library, RecordingRequest())
        assert [one.id for one in library.sessions()] == [info.id]
        recent.close()
