"""`analyze`: files in, one result per file and format out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emolive.archive.baselines import ArchiveBaselines
from emolive.archive.inputs import AudioInput, find_inputs
from emolive.archive.journal import Journal
from emolive.archive.messages import Done, Failed, Message, Tell
from emolive.archive.processes import run_in_processes, usable_cores
from emolive.archive.settings import ArchiveSettings
from emolive.archive.summary import write_summary
from emolive.archive.threads import run_in_threads
from emolive.archive.together import Together
from emolive.archive.work import FileWork, run_here, writing_to
from emolive.baseline import ExpectedMix, ProfileStore
from emolive.cli.analyze_options import AnalyzeOptions
from emolive.cli.analyze_report import AnalyzeReport
from emolive.cli.baseline import expected_mix, known_sentences
from emolive.cli.loading import load_model
from emolive.cli.outcome import DONE, INTERRUPTED, SOME_INPUTS_FAILED, Interrupts
from emolive.i18n import decimal, ntr, tr
from emolive.inference.bundled import model_path
from emolive.inference.classifier import Classifier
from emolive.session.database import library_folder
from emolive.session.export import chosen_names
from emolive.session.export import csv_file as dialects
from emolive.session.export.formats import SPREADSHEET
from emolive.speech.silero import SileroVad
from emolive.wording import percent

_SUMMARY = "summary"
# Files open at once on a GPU: decoding and features are done here, and more would only wait.
_GPU_FILES = 16


def run_analyze(paths: Sequence[Path], options: AnalyzeOptions) -> int:
    """Analyse `paths`; 1 when some input failed.

    Raises:
        EmoliveError: an unknown format, a model that cannot be used, a folder that cannot be
            written into.
    """
    formats = chosen_names(options.formats or "json")
    expected = expected_mix(options.expected_neutral)
    out = Path(options.out)
    _make_writable(out)
    classifier, config = load_model(options.using)
    settings = ArchiveSettings.of(model_path(options.using.model), config, out, formats)
    found = find_inputs(paths, reserved=(_SUMMARY,) if options.summary else ())
    labels = classifier.metadata.labels
    store = ProfileStore(library_folder(options.library))
    with (
        _journal(out) as journal,
        AnalyzeReport(found.files, labels, keep=options.summary) as report,
    ):
        report.looked(found.problems, found.left_out)
        with Interrupts() as interrupts:
            run = _Run(classifier, options, expected, journal, report, interrupts)
            try:
                if options.baseline == "files":
                    run.together(found.files, settings, store)
                elif options.baseline == "library":
                    run.as_known(found.files, settings, store)
                else:
                    run.apart(found.files, settings)
            except KeyboardInterrupt:
                report.interrupted()
                return INTERRUPTED
            finally:
                classifier.close()
        if options.summary:
            for_people = SPREADSHEET in formats and "csv" not in formats
            dialect = dialects.SPREADSHEET if for_people else dialects.PLAIN
            path = out / f"{_SUMMARY}.csv"
            with writing_to(path):
                write_summary(report.outcomes, labels, path, dialect)
    report.close(f"{out}{os.sep}")
    return SOME_INPUTS_FAILED if report.failures else DONE


@dataclass(frozen=True, slots=True)
class _Run:
    """The files of one run, in one of three ways; what is finished is noted in the journal."""

    classifier: Classifier
    options: AnalyzeOptions
    expected: ExpectedMix
    journal: Journal
    report: AnalyzeReport
    interrupts: Interrupts

    def apart(self, items: Sequence[AudioInput], settings: ArchiveSettings) -> None:
        """Each file by itself."""
        todo = self._to_do(items, settings)
        self.report.begin(todo)
        _run(self.classifier, settings, todo, self.options.jobs, self._teller(settings))

    def as_known(
        self, items: Sequence[AudioInput], settings: ArchiveSettings, store: ProfileStore
    ) -> None:
        """Each file by itself, adapted to what the library knows of its source."""
        baselines = ArchiveBaselines.of_library(
            store, items, self.classifier.metadata, self.expected
        )
        for sentence in known_sentences(baselines, items):
            self.report.say(sentence)
        self.apart(items, settings.adapted(baselines))

    def together(
        self, items: Sequence[AudioInput], settings: ArchiveSettings, store: ProfileStore
    ) -> None:
        """All files adapted to what they say together."""
        run = Together(settings, self.classifier, self.expected)
        todo = run.to_hear(items, resume=self.options.resume)
        before = len(items) - len(todo)
        self.report.begin(todo, tr("{before} heard before", before=before) if before else "")
        _run(self.classifier, run.hearing, todo, self.options.jobs, self._teller(None))
        heard = run.heard(items)
        if not heard:
            return
        with writing_to(Path(self.options.out)):
            deciding = run.deciding(heard)
            assert deciding.baselines is not None
            told = deciding.baselines.usual.told
            self.report.say(
                ntr(
                    "Adapted to this file: {minutes} min of speech, strength {strength}.",
                    "Adapted to these {count} files: {minutes} min of speech, strength {strength}.",
                    len(heard),
                    minutes=decimal(told.minutes, 1),
                    strength=percent(told.strength),
                )
            )
            left = self._to_do(heard, deciding)
            run_here(run.work(deciding, heard), left, self._teller(deciding, heard=True))
            known = set(heard)
            run.learn([item for item in todo if item in known], store)

    def _to_do(self, items: Sequence[AudioInput], settings: ArchiveSettings) -> list[AudioInput]:
        """The files that no earlier run finished, where one is resumed; the others are told."""
        todo = []
        for item in items:
            before = self.journal.finished(item, settings.fingerprint, settings.formats)
            if before is not None and self.options.resume:
                self.report.finished_before(item, before)
            else:
                todo.append(item)
        return todo

    def _teller(self, settings: ArchiveSettings | None, *, heard: bool = False) -> Tell:
        """Tells and notes what is finished.

        `settings` None: files are only heard, and finished later; `heard`: that is over.
        """

        def tell(message: Message) -> None:
            # What broke off is tried again.
            if isinstance(message, Done) and settings and message.result.problem is None:
                self.journal.record(message.item, settings.fingerprint, message.result)
            if heard:
                self.report.result(message)
            elif isinstance(message, Done) and settings is None:
                self.report.advance(message)
            else:
                self.report.accept(message)
            # Only here, so that nothing that is finished gets lost.
            if self.interrupts.wished and not isinstance(message, Done | Failed):
                raise KeyboardInterrupt

        return tell


def _run(
    classifier: Classifier,
    settings: ArchiveSettings,
    items: Sequence[AudioInput],
    jobs: int | None,
    tell: Tell,
) -> None:
    """On the GPU if the model is there; otherwise on all cores, and a single file here."""
    jobs = jobs or usable_cores()
    if len(items) == 1:
        run_here(FileWork(classifier, SileroVad(), settings), items, tell)
    elif classifier.provider == "CUDA":
        run_in_threads(settings, items, min(jobs, _GPU_FILES), tell, classifier)
    elif items:
        classifier.close()
        run_in_processes(settings, items, jobs, tell)


def _make_writable(out: Path) -> None:
    with writing_to(out):
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".emolive-{os.getpid()}.partial"
        probe.touch()
        probe.unlink()


def _journal(out: Path) -> Journal:
    with writing_to(out):
        return Journal(out)
