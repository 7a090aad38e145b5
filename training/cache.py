"""All audio of the corpora decoded once: one memory-mapped int16 file and an index.

Audio rather than features is kept, because noise, rooms and telephone lines act on audio; log-mel
costs about 2 ms per clip.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from rich.progress import track

from training.corpora import Clip

SAMPLING_RATE = 16_000
_INDEX, _AUDIO = "clips.json", "audio.int16"


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
    """Clips and their audio: int16, memory-mapped, 16 kHz mono."""

    clips: tuple[CachedClip, ...]
    audio: npt.NDArray[np.int16]

    def samples(self, clip: CachedClip) -> npt.NDArray[np.float32]:
        """A clip's audio, float32 ``(length,)`` in [-1, 1)."""
        raw = self.audio[clip.offset : clip.offset + clip.length]
        return raw.astype(np.float32) / np.float32(32768)


def _decode(path: Path) -> npt.NDArray[np.int16]:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if rate != SAMPLING_RATE:
        mono = soxr.resample(mono, rate, SAMPLING_RATE)
    return np.clip(np.round(mono * 32768), -32768, 32767).astype(np.int16)


def prepare(clips: list[Clip], root: Path, folder: Path) -> list[str]:
    """Decode `clips` into `folder`, with a progress bar; copies of the same audio are kept once.

    Args:
        clips: what to decode.
        root: the corpora's folder; clips are named relative to it.
        folder: the cache, replaced if it is there.

    Returns:
        Names of the clips that were left out: unreadable, or the same audio as an earlier clip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    index: list[CachedClip] = []
    left_out: list[str] = []
    seen: set[str] = set()
    offset = 0
    with (folder / _AUDIO).open("wb") as file:
        for clip in track(clips, description="Decoding"):
            name = clip.path.relative_to(root).as_posix()
            try:
                audio = _decode(clip.path)
            except soundfile.LibsndfileError as error:
                left_out.append(f"{name}: {error}")
                continue
            digest = hashlib.sha256(audio.tobytes()).hexdigest()
            if digest in seen or audio.size == 0:
                left_out.append(f"{name}: same audio as another clip, or empty")
                continue
            seen.add(digest)
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
                )
            )
            offset += audio.size
    rows = [{key: getattr(clip, key) for key in CachedClip.__slots__} for clip in index]
    (folder / _INDEX).write_text(json.dumps(rows, indent=0), encoding="utf-8")
    return left_out


def load_cache(folder: Path) -> AudioCache:
    """Open a cache made by `prepare`.

    Raises:
        FileNotFoundError: there is none in `folder`.
    """
    index = folder / _INDEX
    if not index.is_file():
        raise FileNotFoundError(f"no cache in {folder}: run `python -m training prepare` first")
    clips = tuple(CachedClip(**row) for row in json.loads(index.read_text(encoding="utf-8")))
    return AudioCache(clips, np.memmap(folder / _AUDIO, np.int16, mode="r"))


def fingerprint(clips: tuple[CachedClip, ...] | list[CachedClip]) -> str:
    """A short digest of exactly this set of clips, whatever their order."""
    text = "\n".join(sorted(f"{clip.digest} {clip.emotion}" for clip in clips))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
