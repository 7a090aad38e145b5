"""One file after another: analysed, and its results written."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import Advanced, Begun, Done, Failed, FileResult, Tell
from emolive.archive.settings import ArchiveSettings
from emolive.engine import FileAnalysis, analyze_file
from emolive.engine.offline import Progress
from emolive.errors import AudioFileError, EmoliveError
from emolive.i18n import tr, with_other
from emolive.inference.classifier import Classifier
from emolive.inference.loading import load_classifier
from emolive.session.export import FORMATS
from emolive.session.export.atomic import remove_partials
from emolive.session.timeline import Timeline
from emolive.speech.silero import SileroVad

_log = logging.getLogger(__name__)

Writer = Callable[[Timeline, Path], None]
Analyze = Callable[..., FileAnalysis]

WRITERS: dict[str, Writer] = {name: form.write for name, form in FORMATS.items()}

# The folder is at fault, and no other file would fare better.
_HOPELESS = {
    getattr(errno, name, None) for name in ("ENOSPC", "EDQUOT", "EROFS", "EIO", "ENXIO", "ENODEV")
}


class FileWork:
    """Analyses files with one model. Several threads may share it if the classifier allows that."""

    def __init__(
        self,
        classifier: Classifier,
        vad: SileroVad,
        settings: ArchiveSettings,
        *,
        writers: Mapping[str, Writer] = WRITERS,
        analyze: Analyze = analyze_file,
    ) -> None:
        """Work with what is loaded; `writers` by format, `analyze` as `analyze_file`."""
        self._classifier = classifier
        self._vad = vad
        self._settings = settings
        self._writers = {name: writers[name] for name in settings.formats}
        self._analyze = analyze

    @classmethod
    def load(cls, settings: ArchiveSettings) -> Self:
        """Load the model for one core.

        Raises:
            EmoliveError: it cannot be used.
        """
        return cls(load_classifier(settings.model, "cpu", threads=1), SileroVad(), settings)

    def run(self, item: AudioInput, progress: Progress | None = None) -> FileResult:
        """Analyse one file and write its results.

        `progress` is told the seconds done and in all; what it raises ends the work.

        Raises:
            AudioFileError: nothing can be had from this file.
            EmoliveError: nothing can be had from any (model, output folder).
        """
        settings = self._settings
        adapted = {} if settings.baselines is None else {"baselines": settings.baselines.of(item)}
        analysis = self._analyze(
            item.path,
            self._classifier,
            self._vad,
            settings.engine,
            progress,
            settings.channels,
            **adapted,
        )
        if settings.raw:
            try:
                settings.raw_analyses.save(item, analysis)
            except OSError as error:
                raise _not_written(settings.raw_analyses.folder, error, item) from error
        result = FileResult.of(analysis, () if settings.raw else self._write(item, analysis))
        told = {"problem": analysis.problem, "note": analysis.note}  # not as validated: as said
        return result.model_copy(
            update={key: with_path(item, text) for key, text in told.items() if text is not None}
        )

    def _write(self, item: AudioInput, analysis: FileAnalysis) -> tuple[str, ...]:
        """The results in all formats; their names below the output folder."""
        outputs = []
        timeline = Timeline.of_analysis(analysis)
        for form, write in self._writers.items():
            name = item.output(FORMATS[form].extension)
            target = self._settings.out / name
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                remove_partials(target)
                write(timeline, target)
            except OSError as error:
                raise _not_written(target, error, item) from error
            outputs.append(name)
        return tuple(outputs)

    def attempt(self, item: AudioInput, tell: Tell) -> None:
        """`run`, told; whatever is wrong with this file alone is told as well.

        Raises:
            EmoliveError: nothing can be had from any file.
        """
        attempt(item, lambda progress: self.run(item, progress), tell)


def attempt(item: AudioInput, work: Callable[[Progress], FileResult], tell: Tell) -> None:
    """Work on one file, told; whatever is wrong with this file alone is told as well.

    Raises:
        EmoliveError: nothing can be had from any file.
    """
    tell(Begun(item))
    try:
        result = work(lambda done, total: tell(Advanced(item, done, total)))
    except AudioFileError as error:
        tell(Failed(item, with_path(item, str(error))))
    except EmoliveError:
        raise
    except Exception as error:  # one bad file never stops the rest
        _log.exception("A file could not be worked on")
        tell(Failed(item, unexpected(item, error)))
    else:
        tell(Done(item, result))


def run_here(work: FileWork, items: Sequence[AudioInput], tell: Tell) -> None:
    """One file after the other, in this thread.

    Raises:
        EmoliveError: nothing can be had from any file.
    """
    for item in items:
        work.attempt(item, tell)


def with_path(item: AudioInput, sentence: str) -> str:
    """The sentence with the file's path for its name, of which there may be many in an archive."""
    name, path = item.path.name, str(item.path)
    if not sentence.startswith(name):
        return sentence
    told = with_other(sentence, name, path)
    return told if told.startswith(path) else path + sentence[len(name) :]


def unexpected(item: AudioInput, error: Exception) -> str:
    """The sentence for what nobody foresaw."""
    return tr(
        "{item} could not be analysed ({kind}: {error}): run it alone with `emolive "
        "--debug analyze` and report what it prints.",
        item=item,
        kind=type(error).__name__,
        error=error,
    )


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """What cannot be written there is one sentence.

    Raises:
        EmoliveError: `cannot_write`.
    """
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> EmoliveError:
    """The error for an output folder that takes nothing."""
    return EmoliveError(
        "Cannot write to {path} ({reason}): choose another folder with --out.",
        path=path,
        reason=error.strerror or error,
    )


def _not_written(target: Path, error: OSError, item: AudioInput) -> EmoliveError:
    if error.errno in _HOPELESS or not os.access(target.parent, os.W_OK):
        return cannot_write(target, error)
    return AudioFileError(
        "{item}: its result {target} cannot be written ({reason}).",
        item=item,
        target=target,
        reason=error.strerror,
    )
