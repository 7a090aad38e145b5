"""How a run analyses its files; the same for all of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from emolive import __version__
from emolive.audio.decoding import ChannelUse
from emolive.engine import EngineConfig


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """Settings of a run; they travel to worker processes.

    `fingerprint` names everything that the answers depend on (model, program version, settings):
    results with another one are not up to date.
    """

    model: Path
    engine: EngineConfig
    out: Path
    formats: tuple[str, ...]
    channels: ChannelUse
    fingerprint: str

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
