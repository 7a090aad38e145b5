"""A run whose files are adapted to what all of them say together.

First every file is heard and kept as it is, then the baseline of all is found, then each is decided
and written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from emolive.archive.baselines import ArchiveBaselines, folder_of, folder_source, gathered
from emolive.archive.inputs import AudioInput
from emolive.archive.settings import ArchiveSettings
from emolive.archive.work import FileWork
from emolive.baseline import Baselines, ExpectedMix, ProfileStore
from emolive.engine import FileAnalysis
from emolive.engine.redecision import decided_again
from emolive.errors import AudioFileError
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad


class Together:
    """The steps of such a run; `settings` are those without a baseline."""

    def __init__(
        self, settings: ArchiveSettings, classifier: Classifier, expected: ExpectedMix
    ) -> None:
        """`classifier` is asked for its metadata only, and may be closed meanwhile."""
        self.hearing = replace(settings, formats=(), raw=True)
        self._settings = settings
        self._classifier = classifier
        self._metadata = classifier.metadata
        self._expected = expected
        self._raw = settings.raw_analyses

    def to_hear(self, items: Sequence[AudioInput], *, resume: bool) -> list[AudioInput]:
        """Those that were not heard by an earlier run, where it is resumed; others are dropped."""
        self._raw.drop_others(items if resume else ())
        return [item for item in items if not self._intact(item)]

    def _intact(self, item: AudioInput) -> bool:
        try:
            self._raw.load(item, self._metadata)
        except OSError:  # not there, or damaged
            return False
        return True

    def heard(self, items: Sequence[AudioInput]) -> list[AudioInput]:
        """Those that were heard."""
        return [item for item in items if self._raw.has(item)]

    def deciding(self, items: Sequence[AudioInput]) -> ArchiveSettings:
        """The settings with the baseline of these files, all of which were heard.

        Raises:
            OSError: what was kept of one cannot be read.
        """
        parts = ((evidence, 1) for _, evidence, _ in gathered(self._raw, items, self._metadata))
        found = ArchiveBaselines.of_files(parts, self._metadata, self._expected)
        return self._settings.adapted(found)

    def work(self, settings: ArchiveSettings, items: Sequence[AudioInput]) -> FileWork:
        """Decides and writes what was heard."""
        by_path = {item.path: item for item in items}

        def kept(path: Path, *_: Any, baselines: Baselines) -> FileAnalysis:  # as `analyze_file`
            try:
                analysis = self._raw.load(by_path[path], self._metadata)
            except OSError as error:
                raise AudioFileError(
                    "{name}: {error}; analyse it again.", name=path.name, error=error
                ) from error
            return decided_again(analysis, settings.engine, baselines)

        return FileWork(self._classifier, SileroVad(), settings, analyze=kept)

    def learn(self, items: Sequence[AudioInput], store: ProfileStore) -> None:
        """Add what was heard to the profiles of the files' folders, for runs with few files.

        Raises:
            EmoliveError: they cannot be written.
            OSError: what was kept of a file cannot be read.
        """
        for item, evidence, minutes in gathered(self._raw, items, self._metadata):
            if evidence.minutes > 0:
                store.add(folder_source(folder_of(item), self._metadata), evidence, minutes)
