"""The meter on sound: conversations with known turns, known syllables and known levels."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.audio.source import SourceFormat
from emolive.conversation.definitions import DEFINITIONS
from emolive.conversation.metrics import ConversationMetrics, PartyMetrics
from emolive.inference.classifier import OnnxClassifier
from emolive.speech.silero import SileroVad
from emolive.types import FloatArray, Role
from tests.conversation.calls import CALL, RATE, Said, metrics_of, spoken

NEAR_S = 0.2  # voice activity finds a word's edges to some chunks

TALK = [
    Said(0, "a", 1.0),  # 1.00 - 3.31
    Said(1, "b", 4.2),  # gap 0.89 s; 4.20 - 6.40
    Said(0, "c", 7.4),  # gap 1.00 s; 7.40 - 9.78
    Said(0, "d", 11.0),  # pause 1.22 s; 11.00 - 12.90
    Said(1, "c", 12.0),  # comes in, 0.90 s of both, goes on alone; 12.00 - 14.38
    Said(1, "f", 18.0),  # pause 3.62 s; 18.00 - 19.10
]
LENGTH_S = 20.0


@pytest.fixture(scope="module")
def known(classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray) -> ConversationMetrics:
    return metrics_of(spoken(speech, TALK, LENGTH_S), classifier, vad, [1_600])


def test_talk_time_and_silence_of_a_known_call(known: ConversationMetrics) -> None:
    agent, customer = known.parties
    assert (agent.role, customer.role) == (Role.AGENT, Role.CUSTOMER)
    for index, party in enumerate((agent, customer)):
        truth = sum(said.end_s - said.start_s for said in TALK if said.party == index)
        assert party.talk_s == pytest.approx(truth, abs=3 * NEAR_S)
    assert known.duration_s == pytest.approx(LENGTH_S, abs=512 / RATE)
    assert known.talk_s - known.overtalk_s + known.silence_s == pytest.approx(known.observed_s)
    assert known.overtalk_s == pytest.approx(0.9, abs=NEAR_S)
    assert known.longest_silence_s == pytest.approx(3.62, abs=NEAR_S)
    assert known.current_silence_s == pytest.approx(0.9, abs=NEAR_S)
    assert customer.longest_monologue_s == pytest.approx(2.38, abs=NEAR_S)
    assert agent.longest_monologue_s == pytest.approx(12.0 - 7.4, abs=NEAR_S)


def test_turn_taking_of_a_known_call(known: ConversationMetrics) -> None:
    agent, customer = known.parties
    assert (agent.turns, customer.turns) == (2, 2)
    assert known.gaps.count == 2
    assert known.gaps.total_s == pytest.approx(1.89, abs=2 * NEAR_S)
    assert (known.overlaps, known.overlaps_between.count, known.overlaps_within.count) == (1, 1, 0)
    assert (customer.interruptions, customer.interruption_attempts) == (1, 0)
    assert (agent.interruptions, agent.interruption_attempts) == (0, 0)
    assert customer.responses.mean_s == pytest.approx((0.89 - 0.9) / 2, abs=NEAR_S)
    assert agent.responses.median_s == pytest.approx(1.0, abs=NEAR_S)
    assert agent.pauses.total_s == pytest.approx(1.22, abs=NEAR_S)
    assert customer.pauses.total_s == pytest.approx(3.62, abs=NEAR_S)


def assert_same(got: ConversationMetrics, wanted: ConversationMetrics) -> None:
    """Equal but for rounding in sums of levels."""
    for one, other in zip(got.parties, wanted.parties, strict=True):
        assert one.level_dbfs == pytest.approx(other.level_dbfs, abs=1e-6)
    assert without_levels(got) == without_levels(wanted)


def without_levels(metrics: ConversationMetrics) -> list[object]:
    parties = [
        [getattr(party, name) for name in PartyMetrics.__slots__ if name != "level_dbfs"]
        for party in metrics.parties
    ]
    names = [name for name in ConversationMetrics.__slots__ if name != "parties"]
    return [parties, [getattr(metrics, name) for name in names]]


@settings(max_examples=6)
@given(chunks=st.lists(st.integers(100, 20_000), min_size=1, max_size=6))
def test_streaming_equals_offline(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray, chunks: list[int]
) -> None:
    audio = spoken(speech, TALK, LENGTH_S)
    wanted = metrics_of(audio, classifier, vad, [len(audio)])
    assert wanted.parties[0].syllables_per_s
    assert_same(metrics_of(audio, classifier, vad, chunks), wanted)


def test_loudness_is_that_of_the_speech(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray, known: ConversationMetrics
) -> None:
    quiet = metrics_of(spoken(speech, TALK, LENGTH_S, (0.1, 1.0)), classifier, vad, [1_600])
    before, after = known.parties[0].level_dbfs, quiet.parties[0].level_dbfs
    assert before is not None
    assert after is not None
    assert before - after == pytest.approx(20.0, abs=0.3)
    # Silence around it does not make a party quieter.
    agent = spoken(speech, TALK, LENGTH_S)[:, 0]
    said = [s for s in TALK if s.party == 0]
    alone = np.concatenate([agent[round(s.start_s * RATE) : round(s.end_s * RATE)] for s in said])
    rms_dbfs = 10 * np.log10(np.mean(np.square(alone, dtype=np.float64)))
    assert before == pytest.approx(rms_dbfs, abs=1.0)


def test_a_call_at_another_rate_measures_the_same(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray, known: ConversationMetrics
) -> None:
    narrow = soxr.resample(spoken(speech, TALK, LENGTH_S), RATE, 8_000).astype(np.float32)
    format_8k = SourceFormat(8_000, CALL.streams, CALL.roles)
    got = metrics_of(narrow, classifier, vad, [800], format_8k)
    assert got.overtalk_s == pytest.approx(known.overtalk_s, abs=NEAR_S)
    for one, other in zip(got.parties, known.parties, strict=True):
        assert one.talk_s == pytest.approx(other.talk_s, abs=3 * NEAR_S)
        assert (one.turns, one.interruptions) == (other.turns, other.interruptions)
        assert one.syllables_per_s == pytest.approx(other.syllables_per_s, rel=0.15)


SENTENCES = (
    ("The quick brown fox jumps over the lazy dog and then it runs into the garden.", 21),
    ("Can you tell me where the railway station is, please? I need to buy a ticket for tomorrow "
     "morning.", 26),
    ("My car has been making a terrible noise since yesterday, and nobody at the garage could "
     "help me.", 26),
)  # fmt: skip


@pytest.mark.parametrize("words_per_minute", [110, 170, 230])
@pytest.mark.parametrize("rate", [RATE, 8_000])
def test_speaking_rate_follows_known_speech(
    classifier: OnnxClassifier, vad: SileroVad, words_per_minute: int, rate: int
) -> None:
    """espeak-ng says sentences with known syllables at several speeds."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng not installed")
    pause = np.zeros(rate, np.float32)
    parts, syllables, lasting = [pause], 0, 0.0
    for text, count in SENTENCES:
        command = ["espeak-ng", "-v", "en-us", "-s", str(words_per_minute), "--stdout", text]
        wav = subprocess.run(command, capture_output=True, check=True).stdout
        said, said_rate = sf.read(io.BytesIO(wav), dtype="float32")
        said = said[np.flatnonzero(np.abs(said) > 1e-3)[[0, -1]][0] :]
        lasting += len(said) / said_rate
        parts += [soxr.resample(said, said_rate, rate).astype(np.float32), pause]
        syllables += count
    audio = np.concatenate(parts)[:, None]
    mono = SourceFormat(rate, ("mono",))
    (party,) = metrics_of(audio, classifier, vad, [rate // 10], mono).parties
    assert party.syllables_per_s is not None
    counted = party.syllables_per_s * party.talk_s
    assert counted == pytest.approx(syllables, rel=0.12)
    assert party.talk_s <= lasting + NEAR_S * len(SENTENCES)


@pytest.mark.corpora
def test_people_say_seven_syllables(
    corpora: Path, classifier: OnnxClassifier, vad: SileroVad
) -> None:
    """Every RAVDESS sentence has seven: "Kids are talking by the door", "Dogs are sitting ..."."""
    clips = sorted((corpora / "ravdess").rglob("03-01-*.flac"))[::48][:30]
    if not clips:
        pytest.skip("no RAVDESS in the corpora")
    counts = []
    for clip in clips:
        samples, rate = sf.read(clip, dtype="float32", always_2d=True)
        audio = (samples[:, :1] / np.abs(samples).max() * 0.5).astype(np.float32)
        mono = SourceFormat(rate, ("mono",))
        (party,) = metrics_of(audio, classifier, vad, [rate // 4], mono).parties
        if party.syllables_per_s is not None:
            counts.append(party.syllables_per_s * party.talk_s)
    assert len(counts) > 25
    assert np.mean(counts) == pytest.approx(7, abs=0.8)
    assert np.median(counts) == pytest.approx(7, abs=1)


def test_as_json(known: ConversationMetrics) -> None:
    fields = json.loads(json.dumps(known.to_dict()))
    assert fields["separable"] is True
    assert fields["silence_share"] == round(known.silence_share, 4)
    agent = fields["parties"][0]
    assert agent["role"] == "agent"
    assert agent["responses"]["count"] == known.parties[0].responses.count
    assert agent["talk_s"] == round(known.parties[0].talk_s, 3)


def test_parties_are_found_by_role_and_by_stream(known: ConversationMetrics) -> None:
    assert known.party(Role.AGENT) is known.parties[0]
    assert known.party("customer") is known.parties[1]
    with pytest.raises(KeyError):
        known.party("somebody else")


def test_every_definition_is_of_a_number_there_is() -> None:
    fields = {*ConversationMetrics.__slots__, *PartyMetrics.__slots__}
    names = [definition.field for definition in DEFINITIONS]
    assert set(names) <= fields
    assert len(set(names)) == len(names)
    described = {"duration_s", "observed_s", "longest_silence_s", "current_silence_s", "overlaps"}
    assert fields - set(names) - described == {"parties", "stream", "role", "speaking"}


def test_parties_of_one_sound_are_not_told_apart(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    call = spoken(speech, TALK, LENGTH_S)
    same = np.repeat(call.mean(axis=1, keepdims=True), 2, axis=1)
    same[:, 1] *= 0.7  # not even as loud
    metrics = metrics_of(same, classifier, vad, [1_600])
    assert not metrics.separable
    (both,) = metrics.voices
    assert (both.name, both.interruptions, both.responses.count) == ("both", 0, 0)
    assert both.talk_s == pytest.approx(metrics.talk_s / 2, abs=NEAR_S)
    told = metrics_of(call, classifier, vad, [1_600])
    assert told.separable
    assert told.voices == told.parties
    assert told.tells("turns")
    assert metrics.tells("talk_s")
    assert not metrics.tells("turns")
