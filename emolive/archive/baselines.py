"""Which baseline an archive's files are adapted with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from emolive.archive.inputs import AudioInput
from emolive.archive.raw_analyses import RawAnalyses, evidence_of
from emolive.baseline import (
    Evidence,
    ExpectedMix,
    FixedBaseline,
    ProfileStore,
    Source,
    pooled_baseline,
)
from emolive.inference.metadata import ModelMetadata
from emolive.types import Role

# Files are many voices and moments, and what they are together is known: less is needed of them.
FILES_HALF_MINUTES = 1.0

BaselineMode = Literal["files", "library", "off"]


@dataclass(frozen=True, slots=True, eq=False)
class ArchiveBaselines:
    """One baseline for the files of each folder, and one for all others; travels to workers."""

    usual: FixedBaseline
    folders: Mapping[str, FixedBaseline]

    @classmethod
    def of_library(
        cls,
        store: ProfileStore,
        items: Sequence[AudioInput],
        metadata: ModelMetadata,
        expected: ExpectedMix,
    ) -> Self:
        """What is known of the files' folders; for other folders, of all sources together."""
        known = [
            (profile.evidence, profile.sessions)
            for profile in store.profiles()
            if (profile.source.model, profile.source.labels)
            == (metadata.fingerprint, metadata.labels)
        ]
        usual = pooled_baseline("library", known, expected, metadata.labels)
        folders = {}
        # Of many files in few folders each folder is looked at once.
        ones = {item.path.parent: item for item in items if not item.address}
        for folder in sorted({folder_of(item) for item in ones.values()}):
            profile = store.profile(folder_source(folder, metadata))
            if profile.sessions:
                part = [(profile.evidence, profile.sessions)]
                folders[folder] = pooled_baseline(folder, part, expected, metadata.labels)
        return cls(usual, folders)

    @classmethod
    def of_files(
        cls, parts: Iterable[tuple[Evidence, int]], metadata: ModelMetadata, expected: ExpectedMix
    ) -> Self:
        """One for all files of a run, from what all of them said."""
        one = pooled_baseline("files", parts, expected, metadata.labels, FILES_HALF_MINUTES)
        return cls(one, {})

    @property
    def fingerprint(self) -> str:
        """Of everything that answers depend on."""
        digest = hashlib.sha256()
        for name, one in (("", self.usual), *sorted(self.folders.items())):
            digest.update(repr((name, one.told, one.vector.round(9).tolist())).encode())
        return digest.hexdigest()[:16]

    def of(self, item: AudioInput | None) -> OneBaseline:
        """The baseline of a file's streams; None: of what lies in no folder."""
        folder = None if item is None else folder_of(item)
        return OneBaseline(self.usual if folder is None else self.folders.get(folder, self.usual))


@dataclass(frozen=True, slots=True, eq=False)
class OneBaseline:
    """The same for each stream."""

    baseline: FixedBaseline

    def open(
        self,
        stream: str,  # noqa: ARG002
        role: Role | None,  # noqa: ARG002
        model: str,  # noqa: ARG002
        labels: tuple[str, ...],  # noqa: ARG002
    ) -> FixedBaseline:
        """The baseline of a stream."""
        return self.baseline


def folder_of(item: AudioInput) -> str:
    """The folder that a file lies in, as a source is called after it."""
    return str(Path(item.path).resolve().parent)


def folder_source(folder: str, metadata: ModelMetadata) -> Source:
    """A folder as a source."""
    return Source(name=folder, model=metadata.fingerprint, labels=metadata.labels)


def gathered(
    raw: RawAnalyses, items: Sequence[AudioInput], metadata: ModelMetadata
) -> Iterator[tuple[AudioInput, Evidence, float]]:
    """Of each file that was analysed, what it says, and its minutes of speech, one at a time.

    Raises:
        OSError: one cannot be read.
    """
    for item in items:
        yield (item, *evidence_of(raw.load(item, metadata)))
