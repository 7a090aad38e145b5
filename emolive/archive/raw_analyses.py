"""Analyses before they were adapted to their source, kept until all files of a run are heard.

One compressed file of numbers for each input, in a hidden folder of the run's results, so that the
baseline of all of them can be found first, and a stopped run goes on without hearing them again.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolive.archive.inputs import AudioInput
from emolive.baseline.evidence import Evidence
from emolive.engine import FileAnalysis
from emolive.engine.redecision import heard_of
from emolive.inference.metadata import ModelMetadata
from emolive.session.export.atomic import replacing
from emolive.types import (
    Band,
    Familiarity,
    Prediction,
    Role,
    Shift,
    SpeechState,
    StreamStatus,
)

FOLDER = ".emolive-raw"
_STATES = tuple(SpeechState)
_WORDS = tuple(Familiarity)
_NOTHING = -1


class RawAnalyses:
    """Those of one output folder, for one way to analyse (`fingerprint`)."""

    def __init__(self, out: Path, fingerprint: str) -> None:
        self.folder = out / FOLDER
        self._fingerprint = fingerprint

    def has(self, item: AudioInput) -> bool:
        """Whether a file, as it is now, was analysed before."""
        return self._path(item).exists()

    def save(self, item: AudioInput, analysis: FileAnalysis) -> None:
        """Keep one.

        Raises:
            OSError: it cannot be written.
        """
        self.folder.mkdir(exist_ok=True)
        with replacing(self._path(item)) as partial, partial.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **_arrays(analysis))

    def load(self, item: AudioInput, metadata: ModelMetadata) -> FileAnalysis:
        """One that was kept; its windows have the model's own probabilities and no decision.

        Raises:
            OSError: it cannot be read, or is damaged.
        """
        try:
            # Opened here: of what is no archive, NumPy would leave the file open.
            with self._path(item).open("rb") as file, np.load(file, allow_pickle=False) as found:
                return _analysis(item, metadata, {name: found[name] for name in found.files})
        except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise OSError(f"{self._path(item)} is damaged") from error

    def drop_others(self, items: Sequence[AudioInput]) -> None:
        """Remove what belongs to none of these files as they are now."""
        wanted = {self._path(item).name for item in items}
        for path in self.folder.glob("*.npz"):
            if path.name not in wanted:
                path.unlink(missing_ok=True)

    def _path(self, item: AudioInput) -> Path:
        told = (self._fingerprint, os.path.abspath(item.path), item.size, item.modified_ns)
        name = hashlib.blake2s(repr(told).encode("utf-8", "surrogatepass"), digest_size=12)
        return self.folder / f"{name.hexdigest()}.npz"


def evidence_of(analysis: FileAnalysis) -> tuple[Evidence, float]:
    """What a file's answers say about its source, as one session, and its minutes of speech."""
    rate = analysis.metadata.sampling_rate
    heard = heard_of(analysis.windows, len(analysis.labels), rate)
    return heard.evidence(), heard.seconds / 60


def _arrays(analysis: FileAnalysis) -> dict[str, npt.NDArray[np.generic]]:
    windows = analysis.windows
    streams = [status.name for status in analysis.streams]
    answered = np.array([w.probabilities is not None for w in windows], np.bool_)
    rows = [w.probabilities for w in windows if w.probabilities is not None]
    about = {
        "duration_s": analysis.duration_s,
        "sample_rate": analysis.sample_rate,
        "problem": analysis.problem,
        "note": analysis.note,
        "streams": [asdict(status) for status in analysis.streams],
    }
    return {
        "about": np.array(json.dumps(about)),
        "stream": np.array([streams.index(w.stream) for w in windows], np.int32),
        "start": np.array([w.start_sample for w in windows], np.int64),
        "end": np.array([w.end_sample for w in windows], np.int64),
        "state": np.array([_STATES.index(w.state) for w in windows], np.int8),
        "speech_ratio": np.array([w.speech_ratio for w in windows], np.float64),
        "latency_s": np.array([w.latency_s for w in windows], np.float64),
        "shift": np.array([w.shift.value if w.shift else np.nan for w in windows], np.float64),
        "word": np.array(
            [_WORDS.index(w.shift.word) if w.shift else _NOTHING for w in windows], np.int8
        ),
        "answered": answered,
        "probabilities": np.array(rows, np.float32).reshape(-1, len(analysis.labels)),
    }


def _analysis(
    item: AudioInput, metadata: ModelMetadata, found: dict[str, npt.NDArray[np.generic]]
) -> FileAnalysis:
    about = json.loads(str(found["about"]))
    streams = tuple(_status(values) for values in about["streams"])
    rows = np.asarray(found["probabilities"], np.float32)
    places = np.cumsum(found["answered"].astype(np.int64)) - 1
    columns = (
        "stream", "start", "end", "state", "speech_ratio", "latency_s", "answered", "shift", "word"
    )  # fmt: skip
    windows = [
        Prediction(
            stream=streams[stream].name,
            start_sample=start,
            end_sample=end,
            probabilities=rows[place] if answered else None,
            state=_STATES[state],
            label=None,
            confidence=0.0,
            speech_ratio=ratio,
            latency_s=latency,
            shift=None if word == _NOTHING else Shift(shift, _WORDS[word]),
        )
        for place, stream, start, end, state, ratio, latency, answered, shift, word in zip(
            places, *(found[name].tolist() for name in columns), strict=True
        )
    ]
    return FileAnalysis(
        file=item.path,
        duration_s=about["duration_s"],
        sample_rate=about["sample_rate"],
        metadata=metadata,
        windows=tuple(windows),
        segments=(),
        problem=about["problem"],
        note=about["note"],
        streams=streams,
    )


def _status(values: dict[str, object]) -> StreamStatus:
    role, band = values["role"], values["band"]
    return StreamStatus(
        **{  # type: ignore[arg-type]
            **values,
            "role": None if role is None else Role(str(role)),
            "band": None if band is None else Band(str(band)),
        }
    )
