"""`analyze`: files in, one result per file and format out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emolive.archive.inputs import AudioInput, find_inputs
from emolive.archive.journal import Journal
from emolive.archive.messages import Done, Failed, Message, Tell
from emolive.archive.processes import run_in_processes, usable_cores
from emolive.archive.settings import ArchiveSettings
from emolive.archive.summary import write_summary
from emolive.archive.threads import MAX_BATCH, run_in_threads
from emolive.archive.work import FileWork, cannot_write, run_here
from emolive.cli.analyze_report import AnalyzeReport
from emolive.cli.interrupts import Interrupts
from emolive.cli.loading import engine_config, load_classifier
from emolive.cli.outcome import DONE, INTERRUPTED, SOME_INPUTS_FAILED
from emolive.inference.bundled import model_path
from emolive.inference.classifier import Classifier
from emolive.session.export import chosen_formats
from emolive.session.export import csv_file as dialects
from emolive.session.export.formats import SPREADSHEET
from emolive.speech.silero import SileroVad

_SUMMARY = "summary"
_GPU_BATCHES = (1, 8, 16, 32, MAX_BATCH)
# Files open at once on a GPU: decoding and features are done here, and more would only wait.
_GPU_FILES = 16


@dataclass(frozen=True, slots=True)
class AnalyzeOptions:
    """What `analyze` was asked for; `jobs` None: as many as there are cores."""

    out: Path
    formats: str = "json"
    model: Path | None = None
    provider: str = "auto"
    hop_s: float = 0.5
    jobs: int | None = None
    resume: bool = False
    summary: bool = False


def run_analyze(paths: Sequence[Path], options: AnalyzeOptions) -> int:
    """Analyse `paths`; 1 when some input failed.

    Raises:
        EmoliveError: an unknown format, a model that cannot be used, a folder that cannot be
            written into.
    """
    formats = tuple(form.name for form in chosen_formats(options.formats))
    _make_writable(options.out)
    classifier = load_classifier(options.model, options.provider, _GPU_BATCHES)
    config = engine_config(options.hop_s, classifier)
    settings = ArchiveSettings.of(model_path(options.model), config, options.out, formats)
    found = find_inputs(paths, reserved=(_SUMMARY,) if options.summary else ())
    labels = classifier.metadata.labels
    with (
        _journal(options.out) as journal,
        AnalyzeReport(found.files, labels, keep=options.summary) as report,
    ):
        for problem in found.problems:
            report.complain(problem)
        for sentence in found.left_out:
            report.say(sentence)
        todo = []
        for item in found.files:
            before = journal.finished(item, settings.fingerprint, formats)
            if before is not None and options.resume:
                report.finished_before(item, before)
            else:
                todo.append(item)

        report.begin(todo)
        with Interrupts() as interrupts:

            def tell(message: Message) -> None:
                # What broke off is tried again.
                if isinstance(message, Done) and message.result.problem is None:
                    journal.record(message.item, settings.fingerprint, message.result)
                report.accept(message)
                # Only here, so that nothing that is finished gets lost.
                if interrupts.wished and not isinstance(message, Done | Failed):
                    raise KeyboardInterrupt

            try:
                _run(classifier, settings, todo, options.jobs, tell)
            except KeyboardInterrupt:
                report.interrupted()
                return INTERRUPTED
        if options.summary:
            for_people = SPREADSHEET in formats and "csv" not in formats
            _write_summary(
                report, labels, options.out, dialects.SPREADSHEET if for_people else dialects.PLAIN
            )
    report.close(f"{options.out}{os.sep}")
    return SOME_INPUTS_FAILED if report.failures else DONE


def _run(
    classifier: Classifier,
    settings: ArchiveSettings,
    items: Sequence[AudioInput],
    jobs: int | None,
    tell: Tell,
) -> None:
    """On the GPU if the model is there; otherwise on all cores, and a single file here."""
    jobs = jobs or usable_cores()
    try:
        if len(items) == 1:
            run_here(FileWork(classifier, SileroVad(), settings), items, tell)
        elif classifier.provider == "CUDA":
            run_in_threads(settings, items, min(jobs, _GPU_FILES), tell, classifier)
        elif items:
            classifier.close()
            run_in_processes(settings, items, jobs, tell)
    finally:
        classifier.close()


def _make_writable(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".emolive-{os.getpid()}.partial"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise cannot_write(out, error) from error


def _journal(out: Path) -> Journal:
    try:
        return Journal(out)
    except OSError as error:
        raise cannot_write(out, error) from error


def _write_summary(
    report: AnalyzeReport, labels: Sequence[str], out: Path, dialect: dialects.Dialect
) -> None:
    path = out / f"{_SUMMARY}.csv"
    try:
        write_summary(report.outcomes, labels, path, dialect)
    except OSError as error:
        raise cannot_write(path, error) from error
