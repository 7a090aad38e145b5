"""What scripts and notebooks rely on."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import emolive
from emolive.errors import AudioFileError
from emolive.resources import DEMO_AUDIO, asset
from tests.conftest import REPOSITORY
from tests.models import LABELS

_DOCUMENT = REPOSITORY / "docs" / "api.md"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    samples, rate = soundfile.read(asset(DEMO_AUDIO), frames=8 * 16_000)
    soundfile.write(tmp_path / "talk.wav", samples, rate, subtype="FLOAT")
    return tmp_path / "talk.wav"


def _rows(table: Any) -> list[dict[str, Any]]:
    return list(table.to_dict("records"))


def test_the_public_names_stay() -> None:
    assert emolive.__all__ == [
        "EmoliveError",
        "EngineStatus",
        "Library",
        "Prediction",
        "Segment",
        "Timeline",
        "__version__",
        "analyze",
        "listen",
        "load_model",
        "open_library",
        "table",
    ]
    for name in emolive.__all__:
        assert getattr(emolive, name) is getattr(emolive, name)
        assert name == "__version__" or getattr(emolive, name).__doc__
    assert set(emolive.__all__) <= set(dir(emolive))
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        getattr(emolive, "analyse")  # noqa: B009


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, emolive; dir(emolive); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "onnxruntime", "pydantic", "soundfile", "sounddevice", "PySide6", "pandas"}
    assert not heavy & set(found.stdout.split())
    ours = {name for name in found.stdout.split() if name.partition(".")[0] == "emolive"}
    assert ours == {"emolive"}


def test_the_document_is_true(
    talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(talk.parent)
    monkeypatch.setenv("EMOLIVE_LIBRARY", str(tmp_path / "library"))
    snippets = re.findall(r"```python\n(.*?)```", _DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert len(snippets) == 6
    space: dict[str, Any] = {}
    for snippet in snippets:
        exec(compile(snippet, str(_DOCUMENT), "exec"), space)
    assert len(space["windows"]) == 11
    assert len(space["tables"]) == 2
    assert {"p_happy", "raw_happy"} <= set(space["both"])
    assert "emolive-whisper" in capsys.readouterr().out
    for name in set(emolive.__all__) - {"__version__"}:
        assert f"`{name}`" in _DOCUMENT.read_text("utf-8")


def test_a_threshold_of_ones_own_decides(talk: Path, model: Path) -> None:
    found = emolive.analyze(talk, model=model, threshold=1.0)
    assert {segment.label for segment in found.segments} <= {"uncertain", "silence"}
    found = emolive.analyze(talk, model=model, threshold=0.0)
    assert "uncertain" not in {segment.label for segment in found.segments}


def test_an_array_is_heard_like_its_file(talk: Path, model: Path) -> None:
    samples, rate = soundfile.read(talk, dtype="float32")
    with_file = _rows(emolive.table(emolive.analyze(talk, model=model)))
    for same in (
        samples,
        samples.astype(np.float64),
        np.stack([samples, samples], axis=1),
    ):
        with_array = _rows(emolive.table(emolive.analyze(same, rate, model=model)))
        assert [{**row, "file": str(talk)} for row in with_array] == with_file
    whole = np.round(samples * 32767).astype(np.int16)
    heard = emolive.analyze(whole, rate, model=model, channels="split")
    assert [w.state for w in heard.windows] == [row["state"] for row in with_file]
    assert heard.streams[0].audio is None


@pytest.mark.parametrize(
    ("samples", "rate", "says"),
    [
        (np.zeros(10, np.uint8), 16_000, "signed integers, not uint8"),
        (np.zeros(10, np.complex64), 16_000, "complex64"),
        (np.zeros(0), 16_000, "at least one sample"),
        (np.zeros((2, 2, 2)), 16_000, r"\(2, 2, 2\)"),
        (np.zeros((2, 1000)), 16_000, "transpose"),
        (np.array([0.0, np.nan]), 16_000, "NaN"),
        (np.zeros(10), 0, "sampling_rate"),
    ],
)
def test_what_is_no_sound_is_refused(samples: Any, rate: int, says: str, model: Path) -> None:
    with pytest.raises(AudioFileError, match=says):
        emolive.analyze(samples, rate, model=model)


def test_rates_belong_to_arrays(talk: Path) -> None:
    with pytest.raises(emolive.EmoliveError, match="needs its sampling rate"):
        emolive.analyze(np.zeros(16_000))
    with pytest.raises(emolive.EmoliveError, match="leave sampling_rate out"):
        emolive.analyze(talk, 16_000)
    with pytest.raises(AudioFileError, match=r"absent\.wav"):
        emolive.analyze(talk.with_name("absent.wav"))


def test_without_pandas_a_table_is_rows(
    talk: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = emolive.analyze(
        np.tile(soundfile.read(talk)[0], (2, 1)).T, 16_000, model=model, channels="split"
    )
    frame: Any = emolive.table(timeline, "segments")
    monkeypatch.setitem(sys.modules, "pandas", None)
    rows = emolive.table(timeline, "segments")
    assert isinstance(rows, list)
    assert rows == _rows(frame)
    assert list(rows[0]) == ["file", "stream", "start_s", "end_s", "label", "confidence"]
    windows: Any = emolive.table(timeline)
    assert [name[2:] for name in windows[0] if name.startswith("p_")] == list(LABELS)


@pytest.fixture
def ended() -> Iterator[None]:
    import threading

    yield
    assert not [t for t in threading.enumerate() if t.name == "emolive engine"]


@pytest.mark.usefixtures("ended")
def test_a_stream_ends_by_itself_and_by_leaving(talk: Path, model: Path) -> None:
    loaded = emolive.load_model(model)
    events = list(emolive.listen(file=talk, model=loaded, duration_s=3.6))
    assert isinstance(events[-1], emolive.EngineStatus)
    assert events[-1].state == "stopped"
    assert any(isinstance(event, emolive.Prediction) for event in events)
    for event in emolive.listen(file=talk, model=loaded):
        if isinstance(event, emolive.Prediction):
            break
    # It stays its owner's.
    assert emolive.analyze(talk, model=loaded).windows
    loaded.close()
    with pytest.raises(emolive.EmoliveError, match=r"absent\.wav"):
        list(emolive.listen(file=talk.with_name("absent.wav"), model=model))


def test_a_library_opens_where_it_is_told(tmp_path: Path) -> None:
    with emolive.open_library(str(tmp_path / "mine")) as library:
        assert library.sessions() == []
    assert (tmp_path / "mine").is_dir()


def test_answers_are_adapted_to_their_source_with_the_models_own_beside(
    talk: Path, model: Path, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    plain = emolive.analyze(talk, model=model)
    assert not plain.baselines
    one = emolive.analyze(talk, model=model, baseline="files", expected_neutral=0.9)
    (told,) = one.baselines.values()
    assert (told.source, told.expected_neutral) == ("files", 0.9)
    for before, after in zip(plain.windows, one.windows, strict=True):
        if before.probabilities is None:
            assert after.probabilities is None
            continue
        assert after.raw_probabilities == pytest.approx(before.probabilities, abs=1e-6)
        assert np.abs(after.probabilities - before.probabilities).max() > 0.001
    # Nothing is known of the folder before somebody listened to what is in it.
    strange = emolive.analyze(talk, model=model, baseline="library", library=library)
    assert all(one.strength == 0 for one in strange.baselines.values())
    assert not library.exists()
    list(emolive.listen(file=talk, model=model, baseline="library", library=library))
    known = emolive.analyze(talk, model=model, baseline="library", library=library)
    (told,) = known.baselines.values()
    assert told.sessions == 1
    assert told.strength > 0
    array, rate = soundfile.read(talk, dtype="float32")
    same = emolive.analyze(array, rate, model=model, baseline="library", library=library)
    assert same.baselines["mono"].source == "library"
    with pytest.raises(emolive.EmoliveError, match="is no baseline: use files"):
        emolive.analyze(talk, baseline="on")  # type: ignore[arg-type]
    with pytest.raises(emolive.EmoliveError, match="is no expected share"):
        emolive.analyze(talk, expected_neutral=70)
    with pytest.raises(emolive.EmoliveError, match="of a live stream"):
        next(emolive.listen(baseline="files"))  # type: ignore[arg-type]
