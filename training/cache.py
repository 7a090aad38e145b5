"""All audio of the corpora decoded once: one memory-mapped int16 file and an index.

Audio rather than features is kept, because noise, rooms and telephone lines act on audio; log-mel
costs about 2 ms per clip.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from rich.progress import track

from emolive.audio.dc import DcBlocker
from emolive.session.export.csv_file import inert
from training.corpora import Clip

SAMPLING_RATE = 16_000
_INDEX, _AUDIO, _MANIFEST = "clips.json", "audio.int16", "manifest.csv"
_AHEAD = 64  # clips decoded before they are written: some 10 MB


@dataclass(frozen=True, slots=True)
class CachedClip:
    """A decoded clip: its place in the audio file (samples), identity and SHA-256 of its audio."""

    name: str
    corpus: str
    speaker: str
    gender: str
    language: str
    emotion: str | None
    offset: int
    length: int
    digest: str
    # Listeners' votes as shares of the eight classes, where the corpus has them.
    votes: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AudioCache:
    """Clips and their audio: int16, memory-mapped, 16 kHz mono; `folder` keeps what is derived."""

    clips: tuple[CachedClip, ...]
    audio: npt.NDArray[np.int16]
    folder: Path

    def samples(self, clip: CachedClip) -> npt.NDArray[np.float32]:
        """A clip's audio, float32 ``(length,)`` in [-1, 1)."""
        raw = self.audio[clip.offset : clip.offset + clip.length]
        return raw.astype(np.float32) / np.float32(32768)


def _decode(clip: Clip) -> npt.NDArray[np.int16] | str:
    """A clip's audio, int16 16 kHz mono, or why there is none."""
    try:
        with soundfile.SoundFile(clip.path) as file:
            rate = file.samplerate
            start = min(round(clip.start_s * rate), file.frames)
            stop = file.frames if clip.end_s is None else min(round(clip.end_s * rate), file.frames)
            file.seek(start)
            samples = file.read(stop - start, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        return str(error)
    if not samples.size:
        return "no audio in it"
    mono = DcBlocker(rate).accept(samples.mean(axis=1))
    if rate != SAMPLING_RATE:
        mono = soxr.resample(mono, rate, SAMPLING_RATE)
    return np.clip(np.round(mono * 32768), -32768, 32767).astype(np.int16)


def _name(clip: Clip, root: Path) -> str:
    """How a clip is called from here on: below `root`, or by its corpus and last two folders."""
    if clip.path.is_relative_to(root):
        name = clip.path.relative_to(root).as_posix()
    else:
        name = "/".join((clip.corpus, *clip.path.parts[-3:]))
    whole = clip.start_s == 0 and clip.end_s is None
    end = "" if clip.end_s is None else f"{clip.end_s:g}"
    return name if whole else f"{name}#{clip.start_s:g}-{end}"


def _decoded(clips: Sequence[Clip]) -> Iterator[tuple[Clip, npt.NDArray[np.int16] | str]]:
    """Clips with their audio, in order; as many threads as processors, a few clips ahead."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for start in track(range(0, len(clips), _AHEAD), description="Decoding"):
            some = clips[start : start + _AHEAD]
            yield from zip(some, pool.map(_decode, some), strict=True)


def prepare(clips: Sequence[Clip], root: Path, folder: Path) -> list[str]:
    """Decode `clips` into `folder`, with a progress bar; copies of the same audio are kept once.

    A constant offset is taken out of each clip by the very filter through which the program hears.

    Besides the audio and its index, `manifest.csv` lists what was prepared. The files of an earlier
    cache are replaced when all is decoded.

    Args:
        clips: what to decode.
        root: the corpora's folder; clips are named relative to it.
        folder: where the cache goes.

    Returns:
        One line per clip that was left out: unreadable, or the same audio as an earlier clip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    index: list[CachedClip] = []
    left_out: list[str] = []
    seen: dict[str, str] = {}
    offset = 0
    partial = folder / f"{_AUDIO}.partial"
    with partial.open("wb") as file:
        for clip, audio in _decoded(clips):
            name = _name(clip, root)
            if isinstance(audio, str):
                left_out.append(f"{name}: {audio}")
                continue
            digest = hashlib.sha256(audio.tobytes()).hexdigest()
            if digest in seen:
                left_out.append(f"{name}: the same audio as {seen[digest]}")
                continue
            seen[digest] = name
            audio.tofile(file)
            index.append(
                CachedClip(
                    name=name,
                    corpus=clip.corpus,
                    speaker=clip.speaker,
                    gender=clip.gender,
                    language=clip.language,
                    emotion=clip.emotion,
                    offset=offset,
                    length=audio.size,
                    digest=digest,
                    votes=clip.votes,
                )
            )
            offset += audio.size
    rows = [{key: getattr(clip, key) for key in CachedClip.__slots__} for clip in index]
    text = json.dumps(rows, indent=0)
    partial.replace(folder / _AUDIO)
    (folder / _INDEX).write_text(text, encoding="utf-8")
    write_manifest(index, folder / _MANIFEST)
    return left_out


def write_manifest(clips: Sequence[CachedClip], path: Path) -> None:
    """List clips as CSV: what was prepared, from whom, and the digest of its audio."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(
            ("path", "corpus", "speaker", "gender", "language", "label", "duration_s", "digest")
        )
        for c in clips:
            duration = f"{c.length / SAMPLING_RATE:.3f}"
            known = (c.corpus, c.speaker, c.gender, c.language, c.emotion or "")
            table.writerow(map(inert, (c.name, *known, duration, c.digest)))


def load_cache(folder: Path) -> AudioCache:
    """Open a cache made by `prepare`.

    Raises:
        FileNotFoundError: there is none in `folder`.
    """
    index = folder / _INDEX
    if not index.is_file():
        raise FileNotFoundError(f"no cache in {folder}: run `python -m training prepare` first")
    rows = json.loads(index.read_text(encoding="utf-8"))
    for row in rows:
        if row.get("votes"):
            row["votes"] = tuple(row["votes"])
    clips = tuple(CachedClip(**row) for row in rows)
    # Never written to; a read-only map is no tensor.
    return AudioCache(clips, np.memmap(folder / _AUDIO, np.int16, mode="c"), folder)


def fingerprint(clips: tuple[CachedClip, ...] | list[CachedClip]) -> str:
    """A short digest of exactly this set of clips, whatever their order."""
    text = "\n".join(sorted(f"{clip.digest} {clip.emotion}" for clip in clips))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
