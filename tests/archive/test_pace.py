from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import Advanced, Begun, Done, Failed, FileResult
from emolive.archive.pace import Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def item(name: str, size: int) -> AudioInput:
    return AudioInput(Path(name), PurePath(name), size)


def done(item: AudioInput, duration_s: float) -> Done:
    return Done(
        item,
        FileResult(duration_s=duration_s, label=None, probabilities={}, seconds={}, outputs=()),
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_nothing_is_known_at_first(clock: Clock) -> None:
    now = Pace([item("a.wav", 100)], clock).now()
    assert (now.done_s, now.total_s, now.left_s, now.speed) == (0.0, None, None, 0.0)
    assert (now.files_over, now.files) == (0, 1)


def test_each_extension_has_its_own_length_per_byte(clock: Clock) -> None:
    wav, more_wav, mp3, more_mp3 = (
        item("a.wav", 1000), item("b.WAV", 2000), item("c.mp3", 100), item("d.mp3", 300),
    )  # fmt: skip
    pace = Pace([wav, more_wav, mp3, more_mp3], clock)
    pace.accept(Begun(wav))
    pace.accept(Advanced(wav, 4.0, 10.0))
    # 100 bytes per second of audio for all, as long as nothing else is known.
    assert pace.now().total_s == pytest.approx(10 + 20 + 1 + 3)
    pace.accept(Begun(mp3))
    pace.accept(Advanced(mp3, 1.0, 10.0))
    assert pace.now().total_s == pytest.approx(10 + 20 + 10 + 30)
    clock.now += 2.0
    now = pace.now()
    assert now.done_s == 5.0
    assert now.speed == 2.5
    assert now.left_s == pytest.approx(65 / 2.5)


def test_in_the_end_nothing_is_left(clock: Clock) -> None:
    files = [item("a.wav", 1000), item("b.mp3", 10), item("c.wav", 1000)]
    pace = Pace(files, clock)
    clock.now += 3.0
    for file in files[:2]:
        pace.accept(Begun(file))
        pace.accept(done(file, 6.0))
    assert pace.now().left_s == pytest.approx(1.5)
    pace.accept(Begun(files[2]))
    pace.accept(Failed(files[2], "It is broken."))
    now = pace.now()
    assert (now.files_over, now.done_s, now.total_s, now.left_s) == (3, 12.0, 12.0, 0.0)


def test_a_file_of_unknown_length_is_estimated_until_it_is_longer(clock: Clock) -> None:
    known, unknown = item("a.wav", 1000), item("b.flac", 500)
    pace = Pace([known, unknown], clock)
    pace.accept(done(known, 10.0))
    pace.accept(Advanced(unknown, 1.0, None))
    assert pace.now().total_s == pytest.approx(15.0)
    pace.accept(Advanced(unknown, 9.0, None))
    assert pace.now().total_s == pytest.approx(19.0)


def test_only_empty_files_is_no_division_by_zero(clock: Clock) -> None:
    empty = item("a.wav", 0)
    pace = Pace([empty], clock)
    pace.accept(Begun(empty))
    pace.accept(Failed(empty, "It is empty."))
    assert (pace.now().total_s, pace.now().speed) == (0.0, 0.0)
