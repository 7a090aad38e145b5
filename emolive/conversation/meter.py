"""The meter: engine events in, conversation metrics out, live and offline alike."""

from __future__ import annotations

import math
import os
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from pydantic import BaseModel, Field

from emolive.acoustics import SyllableNuclei
from emolive.acoustics.syllables import LONGEST_S
from emolive.audio.source import RecordedSource
from emolive.baseline import Baselines
from emolive.conversation.floor import Floor, PartyTally, Tally
from emolive.conversation.metrics import ConversationMetrics, PartyMetrics, Responses, Stretches
from emolive.conversation.talkspurts import Talkspurts
from emolive.engine import EngineConfig, FileAnalysis
from emolive.engine.offline import analyze_source
from emolive.inference.classifier import Classifier
from emolive.speech.silero import CHUNK, SileroVad
from emolive.types import (
    BoolArray,
    Event,
    FeatureBlock,
    FloatArray,
    Role,
    SpeechActivity,
    StreamStatus,
)


class ConversationConfig(BaseModel, frozen=True, extra="forbid"):
    """Durations in seconds.

    `fill_in_s`: silence shorter than this inside one party's speech is part of it.
    `throwaway_s`: speech shorter than this (after filling in) is not speech.
    `speech_probability`: a chunk counts when the gate flags it and the detector says at least this,
    which leaves out the gate's hang-over behind each word.
    `interruption_s`: how long both speak before it counts as an interruption.
    `backchannel_s`: an utterance up to this long does not end the other party's monologue.
    `monologue_pause_s`: mutual silence longer than this does.
    """

    fill_in_s: float = Field(default=0.2, ge=0, le=2)
    throwaway_s: float = Field(default=0.1, ge=0, le=1)
    speech_probability: float = Field(default=0.35, ge=0, lt=1)
    interruption_s: float = Field(default=0.5, gt=0, le=10)
    backchannel_s: float = Field(default=1.0, ge=0, le=10)
    monologue_pause_s: float = Field(default=3.0, gt=0, le=60)


_PATIENCE_S = 30.0
_QUIETEST_POWER = 1e-12


@dataclass(frozen=True, slots=True)
class Party:
    """A stream and who speaks on it."""

    stream: str
    role: Role | None = None


class ConversationMeter:
    """Follows one conversation of one or two parties.

    Fed with the events of its engine, in order, it keeps sums: memory does not grow with the call,
    and any chunking gives the same numbers. What was not delivered (dropped events, gaps in the
    audio) is not guessed but left out as unobserved. No threads; one thread owns it.
    """

    def __init__(
        self,
        parties: Sequence[Party],
        rate: int,
        config: ConversationConfig | None = None,
        *,
        patience_s: float | None = _PATIENCE_S,
    ) -> None:
        """Follow `parties`, whose samples are indexed at `rate` Hz.

        `patience_s`: how much of one party is kept until the other's is there (what is not there by
        then counts as unobserved); None: any amount, for what is fed one party after the other.

        Raises:
            ValueError: neither one nor two parties, or two of the same name.
        """
        config = config or ConversationConfig()
        self._rate = rate
        self._config = config
        self._floor = Floor(
            len(parties),
            rate,
            interruption=round(config.interruption_s * rate),
            backchannel=round(config.backchannel_s * rate),
            monologue_pause=round(config.monologue_pause_s * rate),
            max_wait=sys.maxsize if patience_s is None else round(patience_s * rate),
        )
        self._voices = {party.stream: _Voice(party, rate, config) for party in parties}
        if len(self._voices) < len(parties):
            raise ValueError("parties must have streams of their own")

    @classmethod
    def of_streams(cls, streams: Sequence[StreamStatus], rate: int) -> ConversationMeter:
        """For the streams of an `EngineStatus` or a `FileAnalysis`."""
        return cls([Party(stream.name, stream.role) for stream in streams], rate)

    def accept(self, event: Event) -> None:
        """Take an event; all but feature blocks of the parties' streams are left alone.

        Raises:
            ValueError: a block does not come after the one before.
        """
        if isinstance(event, FeatureBlock) and (voice := self._voices.get(event.stream)):
            voice.frames(event.start_sample, event.log_mel)
            if event.activity is not None:
                self._activity(voice, event.activity)

    def accept_activity(self, stream: str, activity: SpeechActivity) -> None:
        """Take voice activity without its sound, as a session keeps it: no syllables then.

        Raises:
            KeyError: no party has this stream.
            ValueError: it does not come after the one before.
        """
        self._activity(self._voices[stream], activity)

    def accept_flags(
        self, stream: str, start_sample: int, end_sample: int, *, speech: bool
    ) -> None:
        """Take a stretch that is known to be speech or silence, as from annotations.

        Raises:
            KeyError: no party has this stream.
            ValueError: it does not come after the one before.
        """
        voice = self._voices[stream]
        runs = voice.talkspurts.accept(start_sample, end_sample, speech=speech)
        voice.speaking = speech
        self._floor.accept(self._index(voice), runs)

    def snapshot(self) -> ConversationMetrics:
        """Where it stands, up to what later audio cannot change (some 0.2 s ago)."""
        floor = self._floor
        talk = sum(tally.talk for tally in floor.parties)
        return ConversationMetrics(
            duration_s=self._s(floor.position),
            observed_s=self._s(floor.position - floor.unobserved),
            silence_s=self._s(floor.silence),
            longest_silence_s=self._s(floor.longest_silence),
            current_silence_s=self._s(floor.current_silence),
            overtalk_s=self._s(floor.overtalk),
            overlaps=floor.overlaps,
            gaps=self._stretches(floor.gaps),
            overlaps_between=self._stretches(floor.between),
            overlaps_within=self._stretches(floor.within),
            parties=tuple(
                self._party(voice, tally, talk)
                for voice, tally in zip(self._voices.values(), floor.parties, strict=True)
            ),
        )

    def finish(self) -> ConversationMetrics:
        """The conversation is over: settle what is pending; nothing may be added any more."""
        for voice in self._voices.values():
            self._floor.accept(self._index(voice), voice.talkspurts.finish())
        self._floor.finish()
        return self.snapshot()

    def _activity(self, voice: _Voice, activity: SpeechActivity) -> None:
        index = self._index(voice)
        for start, end, speech in voice.runs(activity):
            self._floor.accept(index, voice.talkspurts.accept(start, end, speech=speech))

    def _index(self, voice: _Voice) -> int:
        return list(self._voices).index(voice.party.stream)

    def _party(self, voice: _Voice, tally: PartyTally, talk: int) -> PartyMetrics:
        responses = tally.responses
        return PartyMetrics(
            stream=voice.party.stream,
            role=voice.party.role,
            speaking=voice.speaking,
            talk_s=self._s(tally.talk),
            talk_share=tally.talk / talk if talk else None,
            turns=tally.turns,
            longest_monologue_s=self._s(tally.monologue.longest),
            responses=Responses(
                count=responses.count,
                gaps=tally.gaps_before,
                overlaps=tally.overlaps_before,
                mean_s=responses.mean_s,
                median_s=responses.quantile_s(0.5),
                p90_s=responses.quantile_s(0.9),
            ),
            pauses=self._stretches(tally.pauses),
            interruptions=tally.interruptions,
            interruption_attempts=tally.attempts,
            level_dbfs=voice.level_dbfs,
            syllables_per_s=(
                voice.syllables / self._s(tally.talk) if tally.talk and voice.listened else None
            ),
        )

    def _stretches(self, tally: Tally) -> Stretches:
        return Stretches(tally.count, self._s(tally.samples))

    def _s(self, samples: int) -> float:
        return samples / self._rate


class _Voice:
    """One party's sound: talkspurts, level and syllables."""

    def __init__(self, party: Party, rate: int, config: ConversationConfig) -> None:
        self.party = party
        self.talkspurts = Talkspurts(
            round(config.fill_in_s * rate), round(config.throwaway_s * rate)
        )
        self.speaking = False
        self.syllables = 0
        self.listened = False  # to the sound itself
        self._probability = config.speech_probability
        self._nuclei = SyllableNuclei(rate)
        # Nuclei whose chunk is not judged yet: those of some tens of milliseconds.
        self._waiting: deque[int] = deque(maxlen=1_000)
        # Flags of the newest chunks, since a nucleus is known only once the dip behind it is.
        self._flags: BoolArray = np.zeros(0, np.bool_)
        self._flags_end = 0
        self._n_flags = math.ceil((LONGEST_S + 1.0) * rate / CHUNK)
        self._power = 0.0
        self._chunks = 0

    @property
    def level_dbfs(self) -> float | None:
        """The mean level while speaking."""
        if not self._chunks:
            return None
        return 10.0 * math.log10(max(self._power / self._chunks, _QUIETEST_POWER))

    def frames(self, start_sample: int, log_mel: FloatArray) -> None:
        """Look for syllables."""
        self.listened = True
        self._waiting.extend(self._nuclei.accept(start_sample, log_mel))

    def runs(self, activity: SpeechActivity) -> list[tuple[int, int, bool]]:
        """Equal chunks joined, ``(start, end, speech)``; counts level and syllables on the way."""
        speech: BoolArray = activity.speech & (activity.probability >= self._probability)
        self.speaking = bool(speech[-1])
        powers = np.power(10.0, activity.level_dbfs[speech].astype(np.float64) / 10.0)
        self._power += float(powers.sum())
        self._chunks += len(powers)
        self._count_syllables(activity, speech)
        borders = [0, *(np.flatnonzero(np.diff(speech)) + 1).tolist(), len(speech)]
        at = activity.start_sample
        return [
            (at + a * activity.chunk_samples, at + b * activity.chunk_samples, bool(speech[a]))
            for a, b in pairwise(borders)
        ]

    def _count_syllables(self, activity: SpeechActivity, speech: BoolArray) -> None:
        chunk = activity.chunk_samples
        if activity.start_sample == self._flags_end:
            speech = np.concatenate((self._flags, speech))
        self._flags_end = activity.end_sample
        first = activity.end_sample - len(speech) * chunk
        while self._waiting and self._waiting[0] < activity.end_sample:
            index = (self._waiting.popleft() - first) // chunk
            self.syllables += bool(index >= 0 and speech[index])
        self._flags = speech[-self._n_flags :]


@dataclass(frozen=True, slots=True, eq=False)
class CallAnalysis:
    """What was found in a recorded call."""

    analysis: FileAnalysis
    conversation: ConversationMetrics


def analyze_call(
    source: RecordedSource,
    path: str | os.PathLike[str],
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    baselines: Baselines | None = None,
) -> CallAnalysis:
    """Analyse a call flat out; its streams are the parties.

    `source` has one or two streams; it is closed in the end. The rest is as for `analyze_source`.

    Raises:
        AudioFileError: the recording cannot be read at all.
        ValueError: it has more than two streams.
    """
    found = source.open()
    parties = [Party(name, found.role(channel)) for channel, name in enumerate(found.streams)]
    meter = ConversationMeter(parties, classifier.metadata.sampling_rate)
    analysis = analyze_source(source, path, classifier, vad, config, None, meter.accept, baselines)
    return CallAnalysis(analysis, meter.finish())
