"""Runs whose answers are adapted to their source, on real speech."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.audio.call import RecordedCall
from emolive.audio.files import FileSource
from emolive.audio.source import AudioSource
from emolive.baseline import ExpectedMix, ProfileStore
from emolive.engine import Hub
from emolive.monitoring import (
    BaselineChoice,
    Monitoring,
    RunDescription,
    RunSettings,
    SourceChoice,
    SourceKind,
)
from emolive.resources import DEMO_AUDIO, asset
from emolive.settings import BaselineSettings
from emolive.types import Prediction, Role, SpeechState

RATE = 16_000


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A call: the agent on the left, the customer, a little later, on the right."""
    speech, _ = sf.read(asset(DEMO_AUDIO), dtype="float32")
    folder = tmp_path / "calls"
    folder.mkdir()
    both = np.stack([speech[: 12 * RATE], speech[15 * RATE : 27 * RATE]], axis=1)
    sf.write(folder / "call.wav", both, RATE)
    return folder / "call.wav"


def answers(source: AudioSource | SourceChoice, settings: RunSettings) -> list[Prediction]:
    """Everything that a run says, which is over and kept then."""
    hub = Hub()
    mailbox = hub.subscribe(10_000)
    with closing(Monitoring()) as monitoring:
        run = monitoring.prepare(RunDescription(source, settings), hub=hub)
        run.start()
        assert run.live.wait(60)
        assert monitoring.close(60)
        assert run.baselines is None or run.baselines.problem is None
    return [event for event in mailbox.drain() if isinstance(event, Prediction)]


def test_a_second_call_is_adapted_to_the_first_by_role(
    model: Path, library: Path, talk: Path
) -> None:
    choice = BaselineChoice(ExpectedMix(0.6), library=library)
    settings = RunSettings(model, "cpu", baseline=choice)
    plain = answers(
        RecordedCall(FileSource(talk, paced=False, channels="split")), RunSettings(model, "cpu")
    )
    assert all(one.baseline is None and one.raw_probabilities is None for one in plain)
    first = answers(RecordedCall(FileSource(talk, paced=False, channels="split")), settings)
    spoken = [one for one in first if one.probabilities is not None]
    assert spoken
    assert all(np.array_equal(one.probabilities, one.raw_probabilities) for one in spoken)
    (profile,) = ProfileStore(library).profiles()  # nothing was inferred of the agent
    assert profile.source.name == str(talk.parent)
    assert profile.source.role is Role.CUSTOMER
    second = answers(RecordedCall(FileSource(talk, paced=False, channels="split")), settings)
    for before, one in zip(first, second, strict=True):
        assert before.stream == one.stream
        if one.probabilities is None:
            assert one.state in (SpeechState.SILENCE, SpeechState.NOT_INFERRED)
            assert one.raw_probabilities is None
            continue
        assert one.baseline is not None
        assert one.baseline.source == f"{talk.parent}, customer"
        assert one.baseline.sessions == 1
        assert one.raw_probabilities == pytest.approx(before.raw_probabilities, abs=1e-6)
    adapted = [one for one in second if one.probabilities is not None]
    neutral = np.mean([(one.probabilities[0], one.raw_probabilities[0]) for one in adapted], axis=0)
    assert neutral[0] > neutral[1]  # more of it was expected
    assert ProfileStore(library).profiles()[0].sessions == 2


def test_a_group_is_a_source_of_its_own(model: Path, library: Path, talk: Path) -> None:
    for group in ("de", "en"):
        choice = BaselineChoice(group=group, source="Line 1", library=library)
        answers(FileSource(talk, paced=False), RunSettings(model, "cpu", baseline=choice))
    titles = {profile.source.title for profile in ProfileStore(library).profiles()}
    assert titles == {"Line 1, de", "Line 1, en"}


def test_the_demo_is_no_source(model: Path, library: Path) -> None:
    settings = RunSettings(model, "cpu", baseline=BaselineChoice(library=library))
    with closing(Monitoring()) as monitoring:
        demo = SourceChoice(SourceKind.DEMO, "Demo")
        assert monitoring.prepare(RunDescription(demo, settings)).baselines is None
    assert not library.exists()


def test_a_library_that_cannot_be_written_stops_nothing(
    model: Path, tmp_path: Path, talk: Path
) -> None:
    (tmp_path / "file").write_text("")
    settings = RunSettings(model, "cpu", baseline=BaselineChoice(library=tmp_path / "file"))
    with closing(Monitoring()) as monitoring:
        source = FileSource(talk, paced=False)
        run = monitoring.prepare(RunDescription(source, settings))
        run.start()
        assert run.live.wait(60)
        assert run.live.error is None
        assert monitoring.close(60)
        assert run.baselines is not None
        assert "cannot be changed" in (run.baselines.problem or "")


def test_one_switch_turns_it_off(library: Path) -> None:
    assert BaselineChoice.of(BaselineSettings(on=False), library) is None
    chosen = BaselineChoice.of(BaselineSettings(mix="own", neutral=0.8, group="de"), library)
    assert chosen == BaselineChoice(ExpectedMix(0.8), "de", None, library)
    assert BaselineChoice.of(BaselineSettings(), library) == BaselineChoice(library=library)
