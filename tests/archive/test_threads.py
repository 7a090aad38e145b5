"""The GPU's way (several files, one model, shared batches), here on the CPU."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from emolive.archive.inputs import find_inputs
from emolive.archive.messages import Advanced, Done, Failed, Message
from emolive.archive.settings import ArchiveSettings
from emolive.archive.threads import run_in_threads
from emolive.archive.work import FileWork, run_here
from emolive.errors import ModelError
from emolive.inference.classifier import OnnxClassifier
from emolive.speech.silero import SileroVad
from emolive.types import FloatArray, ModelOutput


class Counting(OnnxClassifier):
    """The real classifier, which remembers its batches; `fail_after` of them it breaks."""

    fail_after = 10**9

    def predict(self, windows: FloatArray) -> ModelOutput:
        self.__dict__.setdefault("batches", []).append(len(windows))
        if len(self.batches) > self.fail_after:
            raise ModelError("The model stopped working on CUDA: start again.")
        return super().predict(windows)

    @property
    def batches(self) -> list[int]:
        return self.__dict__.get("batches", [])


@pytest.fixture
def classifier(model: Path) -> Iterator[Counting]:
    counting = Counting(model, "cpu")
    yield counting
    counting.close()


def test_results_are_those_of_one_file_at_a_time(
    settings: ArchiveSettings, classifier: Counting, model: Path, talks: Path, tmp_path: Path
) -> None:
    items = find_inputs([talks]).files
    told: list[Message] = []
    run_in_threads(settings, items, 4, told.append, classifier, max_batch=24)
    assert {m.item for m in told if isinstance(m, Done)} == set(items)
    assert max(classifier.batches) <= 24
    here = ArchiveSettings.of(model, settings.engine, tmp_path / "here", settings.formats)
    run_here(FileWork(classifier, SileroVad(), here), items, lambda _: None)
    for item in items:
        one, other = (
            json.loads((folder / item.output("json")).read_text())
            for folder in (settings.out, here.out)
        )
        assert one["segments"] == other["segments"]
        assert [w["state"] for w in one["windows"]] == [w["state"] for w in other["windows"]]
        assert [w["end_s"] for w in one["windows"]] == [w["end_s"] for w in other["windows"]]
        for got, wanted in zip(one["windows"], other["windows"], strict=True):
            np.testing.assert_allclose(
                list(got["probabilities"].values()),
                list(wanted["probabilities"].values()),
                atol=2e-6,
            )


def test_a_bad_file_fails_alone(
    settings: ArchiveSettings, classifier: Counting, talks: Path
) -> None:
    (talks / "bad.wav").write_text("no audio")
    told: list[Message] = []
    items = find_inputs([talks]).files
    run_in_threads(settings, items, 3, told.append, classifier)
    (failed,) = (message for message in told if isinstance(message, Failed))
    assert failed.sentence.startswith(str(talks / "bad.wav"))
    assert sum(isinstance(message, Done) for message in told) == len(items) - 1


def test_a_model_that_breaks_ends_the_run(
    settings: ArchiveSettings, classifier: Counting, talks: Path
) -> None:
    classifier.fail_after = 2
    with pytest.raises(ModelError, match="stopped working"):
        run_in_threads(settings, find_inputs([talks]).files, 3, lambda _: None, classifier)


def test_interrupted_it_stops_and_tells_what_is_done(
    settings: ArchiveSettings, classifier: Counting, talks: Path
) -> None:
    done: list[Message] = []

    def impatient(message: Message) -> None:
        if isinstance(message, Done):
            done.append(message)
        if isinstance(message, Advanced) and message.item.path.name == "c.ogg":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in_threads(settings, find_inputs([talks]).files, 2, impatient, classifier)
    written = {path.relative_to(settings.out).as_posix() for path in settings.out.rglob("*.json")}
    assert {message.item.output("json") for message in done} == written
    assert 0 < len(written) < 7
