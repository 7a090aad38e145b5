"""Recorded and live calls as sources: two streams, called agent and customer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from emolive.audio.decoded import DecodedSource
from emolive.audio.decoding import AT_ONCE_S, FileDecoder
from emolive.audio.files import FileSource
from emolive.audio.resampling import StreamResampler
from emolive.audio.ring import SampleRing
from emolive.audio.source import AudioSource, RecordedSource, SourceFormat, SourceStatus
from emolive.errors import AudioDeviceError, AudioFileError, EmoliveError
from emolive.i18n import decimal, mark, tr
from emolive.types import FloatArray, Role

Side = Literal["left", "right"]

MONO_CALL = mark(
    "{name} has one channel only, so the two parties cannot be told apart: use a recording with a "
    "channel for each, two files, or leave out the roles."
)
_NOTABLE_S = 1.0


class CallSource:
    """A source of two channels, one of which is the agent's: gives the streams roles and names."""

    def __init__(self, source: AudioSource, agent: Side = "left") -> None:
        """`agent` is the channel on which the agent speaks; the customer is on the other."""
        self._source = source
        self._roles = (
            (Role.AGENT, Role.CUSTOMER) if agent == "left" else (Role.CUSTOMER, Role.AGENT)
        )

    @property
    def name(self) -> str:
        """The source's."""
        return self._source.name

    def open(self) -> SourceFormat:
        """Open the source.

        Raises:
            AudioDeviceError: as the source does, or it has not two channels.
            AudioFileError: likewise, of a recording.
        """
        found = self._source.open()
        if len(found.streams) != 2:
            self._source.close()
            if len(found.streams) == 1:
                sentence = tr(MONO_CALL, name=self.name)
            else:
                sentence = tr(
                    "{name} has {number} channels, a call has two: keep the channels of "
                    "the agent and the customer only.",
                    name=self.name,
                    number=len(found.streams),
                )
            raise AudioFileError(sentence) if found.recorded else AudioDeviceError(sentence)
        return SourceFormat(
            found.sampling_rate,
            tuple(str(role) for role in self._roles),
            self._roles,
            found.native_rates,
            found.recorded,
            tuple(str(role) for role in self._roles) if found.loopbacks else (),
        )

    def start(self, ring: SampleRing) -> None:
        """Write frames into `ring` from now on."""
        self._source.start(ring)

    def status(self) -> SourceStatus:
        """The source's."""
        return self._source.status()

    def close(self) -> None:
        """Close the source."""
        self._source.close()


class RecordedCall(CallSource):
    """A recording of two channels, one for each party."""

    def __init__(self, source: RecordedSource, agent: Side = "left") -> None:
        """`agent` is the channel on which the agent speaks."""
        super().__init__(source, agent)
        self._recorded = source
        self.folder: Path | None = getattr(source, "folder", None)

    @property
    def failed(self) -> bool:
        """Whether it broke off before its end."""
        return self._recorded.failed

    @property
    def duration_s(self) -> float | None:
        """Its length, as far as that is known."""
        return self._recorded.duration_s

    def pump(self, ring: SampleRing) -> bool:
        """Write what is due; False when it is through."""
        return self._recorded.pump(ring)


class CallFiles(DecodedSource):
    """A call in two files, one per party; their channels are mixed, if there are several.

    They begin together. Lengths and rates may differ: both come out at the higher rate, and where
    one has ended or broken off, silence stands in while the other goes on.
    """

    def __init__(
        self,
        agent: str | os.PathLike[str],
        customer: str | os.PathLike[str],
        *,
        paced: bool,
        block_s: float = 0.1,
        loop: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read both in blocks of `block_s` seconds, over and over with `loop`."""
        if block_s <= 0:
            raise ValueError(f"block_s must be positive, not {block_s}")
        self.paths = (Path(agent), Path(customer))
        self.folder = self.paths[0].absolute().parent
        super().__init__(
            " + ".join(path.name for path in self.paths),
            lambda: _PairDecoder(self.paths, block_s),
            paced=paced,
            loop=loop,
            clock=clock,
        )


def call_recording(
    files: Sequence[Path], agent: Side = "left", *, paced: bool, block_s: float = 0.1
) -> RecordedSource:
    """A call in one stereo file, or in the agent's and the customer's.

    `agent` is the channel on which the agent speaks, where there is one file.

    Raises:
        EmoliveError: neither one file nor two.
    """
    if len(files) == 1:
        file = FileSource(files[0], paced=paced, block_s=block_s, channels="split")
        return RecordedCall(file, agent)
    if len(files) == 2:
        return CallFiles(files[0], files[1], paced=paced, block_s=block_s)
    raise EmoliveError("A call is one stereo file, or two files: the agent's, then the customer's.")


class _PairDecoder:
    """Two files side by side, at the higher of their rates.

    Buffer: what one file's resampler hands out beyond what was read, less than that once more.
    """

    def __init__(self, paths: tuple[Path, Path], block_s: float) -> None:
        self._parties: list[_Party] = []
        try:
            for path in paths:
                self._parties.append(_Party(path, block_s))
        except BaseException:
            self.close()
            raise
        rates = tuple(party.decoder.format.sampling_rate for party in self._parties)
        rate = max(rates)
        for party in self._parties:
            party.resample_to(rate)
        self._block = max(1, round(rate * block_s))
        self._most = round(rate * AT_ONCE_S)
        roles = (Role.AGENT, Role.CUSTOMER)
        self.format = SourceFormat(rate, tuple(map(str, roles)), roles, rates, recorded=True)

    @property
    def duration_s(self) -> float | None:
        lengths = [party.decoder.duration_s for party in self._parties]
        known = [length for length in lengths if length is not None]
        return max(known) if len(known) == len(lengths) else None

    @property
    def closed(self) -> bool:
        return all(party.decoder.closed for party in self._parties)

    @property
    def error(self) -> str | None:
        return next((party.decoder.error for party in self._parties if party.decoder.error), None)

    @property
    def note(self) -> str | None:
        notes = [party.decoder.note for party in self._parties if party.decoder.note]
        first, second = sorted(self._parties, key=lambda party: party.length_s)
        if first.ended and second.length_s - first.length_s > _NOTABLE_S:
            notes.append(
                tr(
                    "{name} ends {length_s} s before {name2}: the rest of it is taken as silence.",
                    name=first.decoder.path.name,
                    length_s=decimal(second.length_s - first.length_s, 0),
                    name2=second.decoder.path.name,
                )
            )
        return " ".join(notes) or None

    def read(self, frames: int = 0) -> FloatArray | None:
        wanted = self._block * max(1, min(frames, self._most) // self._block)
        parts = [party.take(wanted) for party in self._parties]
        n = max(map(len, parts))
        if n == 0:
            return None
        block = np.zeros((n, len(parts)), np.float32)
        for channel, part in enumerate(parts):
            block[: len(part), channel] = part
        return block

    def rewind(self) -> None:
        for party in self._parties:
            party.rewind()

    def close(self) -> None:
        for party in self._parties:
            party.decoder.close()


class _Party:
    """One file of a pair."""

    def __init__(self, path: Path, block_s: float) -> None:
        self.decoder = FileDecoder(path, block_s, "mix")
        self.ended = False
        self._read = 0
        self._ready = [np.empty(0, np.float32)]
        self.resample_to(self.decoder.format.sampling_rate)

    def resample_to(self, rate: int) -> None:
        """Hand out audio at `rate`; to be called before any was taken."""
        self._resampler = StreamResampler(self.decoder.format.sampling_rate, rate)

    @property
    def length_s(self) -> float:
        """How much was read."""
        return self._read / self.decoder.format.sampling_rate

    def take(self, n: int) -> FloatArray:
        """The next `n` samples, fewer only at the end."""
        held = sum(map(len, self._ready))
        while held < n and not self.ended:
            block = self.decoder.read(n - held)
            if block is None:
                self.ended = True
                ready = self._resampler.finish()
            else:
                self._read += len(block)
                # A copy, because the decoder fills the same buffer again.
                ready = self._resampler.accept(block[:, 0].copy())
            self._ready.append(ready)
            held += len(ready)
        samples = np.concatenate(self._ready)
        self._ready = [samples[n:]]
        return samples[:n]

    def rewind(self) -> None:
        """Begin again."""
        self.decoder.rewind()
        self._resampler.reset()
        self.ended = False
        self._read = 0
        self._ready = [np.empty(0, np.float32)]
