"""How a run analyses its files; the same for all of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from emolive import __version__
from emolive.archive.baselines import ArchiveBaselines
from emolive.archive.raw_analyses import RawAnalyses
from emolive.audio.decoding import ChannelUse
from emolive.engine import EngineConfig
from emolive.i18n import language


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """Settings of a run; they travel to worker processes.

    `fingerprint` names everything that the answers depend on (model, program version, settings):
    results with another one are not up to date. `raw`: analyses are only kept as they are, to be
    decided once all are there (see `raw_analyses`). `language`: of reports.
    """

    model: Path
    engine: EngineConfig
    out: Path
    formats: tuple[str, ...]
    channels: ChannelUse
    fingerprint: str
    baselines: ArchiveBaselines | None = None
    raw: bool = False
    language: str = field(default_factory=language)

    @classmethod
    def of(
        cls,
        model: Path,
        engine: EngineConfig,
        out: Path,
        formats: tuple[str, ...],
        channels: ChannelUse = "mix",
    ) -> Self:
        """Settings, with their fingerprint from the model file's content.

        Raises:
            OSError: the model cannot be read.
        """
        with model.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        # What only shapes the work, not the answers, is left out.
        answers = engine.model_dump_json(
            include={"hop_s", "decision", "gate", "agent_permission"}, exclude_none=True
        )
        digest.update("\n".join(("", __version__, answers, channels)).encode())
        return cls(model, engine, out, formats, channels, digest.hexdigest()[:32])

    @property
    def raw_analyses(self) -> RawAnalyses:
        """Where analyses are kept as they are."""
        return RawAnalyses(self.out, self.fingerprint)

    def adapted(self, baselines: ArchiveBaselines) -> Self:
        """The same with these baselines."""
        fingerprint = f"{self.fingerprint[:16]}{baselines.fingerprint}"
        return replace(self, baselines=baselines, fingerprint=fingerprint)
