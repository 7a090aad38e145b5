"""`analyze`: files in, one result per file and format out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from emolive.cli.inputs import AudioInput, find_inputs
from emolive.cli.loading import engine_config, load_classifier
from emolive.cli.outcome import DONE, INTERRUPTED, SOME_INPUTS_FAILED
from emolive.engine import EngineConfig, FileAnalysis, analyze_file
from emolive.errors import AudioFileError, EmoliveError
from emolive.inference.classifier import Classifier
from emolive.session.exporters import check_parquet, write_csv, write_json, write_parquet
from emolive.speech.silero import SileroVad

Writer = Callable[[FileAnalysis, Path], None]

_WRITERS: dict[str, Writer] = {
    "json": write_json,
    "csv": write_csv,
    "parquet": write_parquet,
}


def run_analyze(
    paths: Sequence[Path],
    out: Path,
    formats: str,
    model: Path | None,
    provider: str,
    hop_s: float,
) -> int:
    """Analyse `paths` into `out`; 1 when some input failed.

    Raises:
        EmoliveError: an unknown format, a model that cannot be used, a folder that cannot be
            written into.
    """
    writers = _chosen(formats)
    _make_writable(out)
    classifier = load_classifier(model, provider)
    config = engine_config(hop_s, classifier)
    found = find_inputs(paths)
    with _Report() as report:
        for problem in found.problems:
            report.failed(problem)
        report.expect(found.files)
        job = _Job(classifier, SileroVad(), config, out, writers, report)
        try:
            for item in found.files:
                job.run(item)
        except KeyboardInterrupt:
            report.interrupted()
            return INTERRUPTED
    classifier.close()
    report.close(out)
    return SOME_INPUTS_FAILED if report.failures else DONE


class _Job:
    """One file after the other with the same model."""

    def __init__(
        self,
        classifier: Classifier,
        vad: SileroVad,
        config: EngineConfig,
        out: Path,
        writers: dict[str, Writer],
        report: _Report,
    ) -> None:
        self._classifier = classifier
        self._vad = vad
        self._config = config
        self._out = out
        self._writers = writers
        self._report = report

    def run(self, item: AudioInput) -> None:
        """Analyse and write one file; what is wrong with it is reported."""
        self._report.begin(item)
        try:
            analysis = analyze_file(
                item.path, self._classifier, self._vad, self._config, self._report.advance
            )
        except AudioFileError as error:
            self._report.failed(str(error))
            return
        finally:
            self._report.end(item)
        for extension, write in self._writers.items():
            # Not with_suffix: "talk.v2" has no extension to replace.
            target = self._out / item.result.with_name(f"{item.result.name}.{extension}")
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                write(analysis, target)
            except OSError as error:
                raise _cannot_write(target, error) from error
        self._report.done(item, analysis)


class _Report:
    """Tells how it goes: results to standard output, everything else to standard error.

    On a terminal with a progress bar, weighted by file size.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._successes = 0
        self._console = Console(stderr=True)
        self._results = Console(soft_wrap=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            # Results go to another stream; wherever both are the terminal, they print above.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._progress.add_task("", total=None)
        self._base = 0.0
        self._size = 1
        self._count = 0
        self._total = 0

    def __enter__(self) -> _Report:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def expect(self, files: Sequence[AudioInput]) -> None:
        """Say how much there is to do."""
        self._total = len(files)
        self._progress.update(self._task, total=sum(max(1, file.size) for file in files))

    def begin(self, item: AudioInput) -> None:
        """A file's turn."""
        self._count += 1
        self._size = max(1, item.size)
        name = item.path.name if len(item.path.name) <= 28 else f"{item.path.name[:27]}…"
        self._progress.update(self._task, description=f"{self._count}/{self._total} {name}")

    def advance(self, done_s: float, total_s: float | None) -> None:
        """So much of the current file is done."""
        if total_s:
            share = min(1.0, done_s / total_s)
            self._progress.update(self._task, completed=self._base + share * self._size)

    def end(self, item: AudioInput) -> None:
        """The current file is over."""
        self._base += max(1, item.size)
        self._progress.update(self._task, completed=self._base)

    def done(self, item: AudioInput, analysis: FileAnalysis) -> None:
        """A file was analysed, perhaps not to its end."""
        answer = "no speech"
        if analysis.label is not None and analysis.probabilities is not None:
            answer = f"{analysis.label} {float(analysis.probabilities.max()):.0%}"
        self._say(f"{item.path}: {answer} ({analysis.duration_s:.1f} s)")
        if analysis.note:
            self._tell(f"Note: {analysis.note}")
        if analysis.problem:
            self.failed(f"{analysis.problem} What came before is in the results.")
        else:
            self._successes += 1

    def failed(self, sentence: str) -> None:
        """An input failed."""
        self.failures += 1
        self._tell(sentence, style="red")

    def interrupted(self) -> None:
        """A person had enough."""
        self._tell(f"Stopped: {self._successes} of {self._total} files are done.")

    def close(self, out: Path) -> None:
        """Sum up."""
        files = "1 file" if self._successes == 1 else f"{self._successes} files"
        failed = f", {self.failures} failed" if self.failures else ""
        self._tell(f"{files} analysed{failed}; results are in {out}{os.sep}")

    def _say(self, text: str) -> None:
        self._results.print(text, markup=False)

    def _tell(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _chosen(formats: str) -> dict[str, Writer]:
    names = list(dict.fromkeys(name.strip().lower() for name in formats.split(",")))
    if unknown := [name for name in names if name not in _WRITERS]:
        raise EmoliveError(
            f"{unknown[0]!r} is not a format that can be written: use {', '.join(_WRITERS)}."
        )
    if "parquet" in names:
        check_parquet()
    return {name: _WRITERS[name] for name in names}


def _make_writable(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".emolive-{os.getpid()}.partial"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _cannot_write(out, error) from error


def _cannot_write(path: Path, error: OSError) -> EmoliveError:
    return EmoliveError(
        f"Cannot write to {path} ({error.strerror or error}): choose another folder with --out."
    )
