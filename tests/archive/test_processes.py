"""Worker processes: the same results as here, whatever happens to one of them."""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from emolive import i18n
from emolive.archive.inputs import AudioInput, find_inputs
from emolive.archive.messages import Advanced, Begun, Done, Failed, Message, Waiting
from emolive.archive.processes import Load, run_in_processes, usable_cores
from emolive.archive.settings import ArchiveSettings
from emolive.archive.work import FileWork, run_here
from emolive.errors import EmoliveError
from emolive.inference.classifier import OnnxClassifier
from emolive.speech.silero import SileroVad
from tests.archive.hostile import (
    load_and_die,
    load_and_trip,
    load_broken,
    load_hostile,
    load_nothing,
)

Run = Callable[..., list[Message]]


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


@pytest.fixture
def run(settings: ArchiveSettings) -> Run:
    """Runs names of files through hostile workers, and returns what was told."""

    def with_names(*names: str, load: Load = load_hostile, jobs: int = 2) -> list[Message]:
        told: list[Message] = []
        # The first is the largest, and begun first.
        items = [AudioInput(Path(name), Path(name), 100 - i) for i, name in enumerate(names)]
        run_in_processes(settings, items, jobs, told.append, load)
        return [message for message in told if not isinstance(message, Waiting)]

    return with_names


def names(told: list[Message], kind: type[Begun | Done | Failed]) -> list[str]:
    return sorted(message.item.path.name for message in told if isinstance(message, kind))


def contents(folder: Path) -> dict[str, object]:
    return {
        path.relative_to(folder).as_posix(): json.loads(path.read_text())
        for path in folder.rglob("*.json")
    }


def test_results_are_those_of_one_process_to_the_last_digit(
    settings: ArchiveSettings, model: Path, talks: Path, tmp_path: Path
) -> None:
    items = find_inputs([talks]).files
    told: list[Message] = []
    run_in_processes(settings, items, 2, told.append)
    assert names(told, Done) == sorted(item.path.name for item in items)
    here = tmp_path / "here"
    classifier = OnnxClassifier(model, "cpu")
    reference = ArchiveSettings.of(model, settings.engine, here, settings.formats)
    alone: list[Message] = []
    run_here(FileWork(classifier, SileroVad(), reference), items, alone.append)
    classifier.close()
    assert len(contents(here)) == len(items)
    assert contents(settings.out) == contents(here)
    results = {m.item: m.result for m in told if isinstance(m, Done)}
    assert results == {m.item: m.result for m in alone if isinstance(m, Done)}


def test_every_file_begins_before_it_is_over_and_the_largest_first(run: Run) -> None:
    told = run("a", "b", "c", "d", "e", jobs=1)
    assert [message.item.path.name for message in told] == [c for c in "abcde" for _ in range(2)]
    assert [type(message) for message in told] == [Begun, Done] * 5


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to be killed by")
def test_a_worker_that_is_killed_takes_only_its_file_with_it(run: Run) -> None:
    told = run("killed 1", "a", "killed 2", "b", "killed 3", "c")
    assert names(told, Done) == ["a", "b", "c"]
    assert names(told, Failed) == ["killed 1", "killed 2", "killed 3"]
    for message in told:
        if isinstance(message, Failed):
            assert message.sentence.startswith(f"{message.item.path} could not be analysed")
            assert "SIGKILL" in message.sentence


def test_a_worker_that_exits_is_replaced(run: Run) -> None:
    told = run("exits 1", "exits 2", "a", jobs=1)
    assert names(told, Done) == ["a"]
    (one, _) = (message for message in told if isinstance(message, Failed))
    assert "ended with code 3" in one.sentence


def test_what_nobody_foresaw_fails_one_file(settings: ArchiveSettings, talks: Path) -> None:
    items = find_inputs([talks]).files[:2]
    told: list[Message] = []
    run_in_processes(settings, items, 1, told.append, load_broken)
    sentences = [message.sentence for message in told if isinstance(message, Failed)]
    assert len(sentences) == 2
    assert all("ZeroDivisionError" in sentence for sentence in sentences)


def test_a_model_that_breaks_ends_the_run(run: Run) -> None:
    with pytest.raises(EmoliveError, match="The model is broken: get another"):
        run("hopeless", "a", "b", jobs=1)


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (load_nothing, "There is nothing to load: make something."),
        (load_and_die, "A worker process ended with code 9 before it could start"),
        (load_and_trip, r"A worker process failed \(RuntimeError: what nobody foresaw\)"),
    ],
)
def test_workers_that_cannot_start_end_the_run(run: Run, load: Load, words: str) -> None:
    with pytest.raises(EmoliveError, match=words):
        run("a", "b", "c", load=load)


def test_interrupted_it_stops_files_in_work_and_tells_what_is_done(
    settings: ArchiveSettings,
) -> None:
    told: list[Message] = []

    def until_endless(message: Message) -> None:
        told.append(message)
        if isinstance(message, Advanced):
            raise KeyboardInterrupt

    items = [AudioInput(Path(name), Path(name)) for name in ("a", "endless", "b")]
    with pytest.raises(KeyboardInterrupt):
        run_in_processes(settings, items, 1, until_endless, load_hostile)
    assert names(told, Done) == ["a"]
    assert names(told, Begun) == ["a", "endless"]


def test_there_is_at_least_one_core() -> None:
    assert usable_cores() >= 1


def test_what_a_worker_says_is_said_in_the_language_of_this_process(
    settings: ArchiveSettings, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF, or so it says")
    english = replace(settings, language="en")
    said = {}
    for language in i18n.languages():
        i18n.use_language(language)
        told: list[Message] = []
        run_in_processes(english, find_inputs([broken]).files, 1, told.append)
        (failed,) = (message for message in told if isinstance(message, Failed))
        assert failed.sentence.startswith(str(broken)), "the path, for there may be many"
        said[language] = failed.sentence.removeprefix(str(broken))
    assert len(set(said.values())) == len(i18n.languages())
    assert "kein Audio" in said["de"]
