from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.conditions.overtalk import OvertalkRule
from emolive.alerts.conditions.silence import SilenceRule
from emolive.alerts.conditions.trend import TrendRule
from emolive.alerts.dry_run import DryRun
from emolive.alerts.past_calls import PastCall, analysed_call, recorded_call, stored_call
from emolive.alerts.rules import RuleSet
from emolive.audio.call import CallFiles
from emolive.engine.config import EngineConfig
from emolive.errors import EmoliveError
from emolive.inference.classifier import OnnxClassifier
from emolive.session.export import FORMATS
from emolive.session.library import Library
from emolive.session.records import StreamInfo
from emolive.session.timeline import Timeline
from emolive.speech.silero import SileroVad
from emolive.types import Event, FeatureBlock, Prediction, Role
from tests.alerts.calls import CHUNK, HOP, LABELS, RATE, activity, evaluate, spans, windows
from tests.models import tiny_model
from tests.session.filled import session_record

RULES = RuleSet(
    rules=(
        EmotionRule(
            name="upset", emotions=("angry",), probability=0.6, for_s=1, cool_down_s=5, dwell_s=0
        ),
        TrendRule(
            name="rising", emotions=("angry",), rise_per_minute=1, window_s=10, cool_down_s=0
        ),
        SilenceRule(name="quiet", longer_than_s=3, cool_down_s=0),
        OvertalkRule(name="both", count=2, window_s=20, cool_down_s=0),
        SilenceRule(name="supervisor", longer_than_s=3, stream="supervisor"),
        EmotionRule(name="bored", emotions=("bored",), probability=0.5),
    )
)
TALK = {
    "agent": spans(60, (1, 10), (15, 20), (30, 50)),
    "customer": spans(60, (9, 12), (17, 19), (40, 41)),
}
VALUES = [*[0.1] * 20, *[0.9] * 20, *[0.1] * 20, *[0.8] * 20, *[0.2] * 35]


def events() -> list[Event]:
    """The call as it came in live: small blocks."""
    from tests.alerts.calls import talk

    return [*windows(VALUES), *talk(TALK)]


@pytest.fixture
def sessions(library: Path) -> Iterator[Library]:
    with Library.open(library) as opened:
        yield opened


def store(
    sessions: Library,
    *,
    started: datetime | None = None,
    said: Mapping[str, np.ndarray] = TALK,
) -> PastCall:
    """The same call, recorded."""
    new = session_record(
        streams=(
            StreamInfo("agent", RATE, Role.AGENT, emotion=False),
            StreamInfo("customer", RATE, Role.CUSTOMER),
        ),
        labels=LABELS,
        started_at=started,
    )
    writer = sessions.create(new, audio=False)
    writer.add_windows(windows(VALUES))
    for stream, flags in said.items():
        for begin in range(0, len(flags), 31):
            writer.add_activity(stream, activity(flags[begin : begin + 31], begin))
    return stored_call(sessions, writer.finish(60 * RATE))


def test_a_stored_session_gives_the_alerts_of_the_live_call(sessions: Library) -> None:
    call = store(sessions)
    known = RULES.model_copy(update={"rules": RULES.rules[:4]})
    live, live_ended = evaluate(known, events())
    alerts, ended, notes = call.evaluate(known)
    assert notes == ()
    assert {alert.rule for alert in live} == {"upset", "rising", "quiet", "both"}
    key = lambda a: (a.fired_sample, a.rule)  # noqa: E731
    assert sorted(alerts, key=key) == sorted(live, key=key)
    assert sorted(ended, key=key) == sorted(live_ended, key=key)


def test_a_session_with_one_sound_on_both_channels_has_no_overtalk(sessions: Library) -> None:
    same = dict.fromkeys(TALK, TALK["agent"])
    trial = DryRun(RULES)
    trial.add(store(sessions, said=same))
    assert trial.rules[3].skipped == {"both channels carry the same sound": 1}
    assert not trial.rules[3].findings


def test_how_often_per_hour_where_and_when(sessions: Library) -> None:
    first = store(sessions, started=datetime(2025, 1, 1, tzinfo=UTC))
    second = store(sessions, started=datetime(2025, 1, 2, tzinfo=UTC))
    trial = DryRun(RULES)
    for call in (first, second):
        trial.add(call)
    upset, _, quiet, both, supervisor, bored = trial.rules
    assert (trial.calls, trial.seconds) == (2, 120.0)
    assert len(upset.findings) == 4
    assert upset.per_hour == pytest.approx(4 / 120 * 3600)
    assert upset.calls == 2
    assert {finding.call.name for finding in upset.findings} == {first.name, second.name}
    found = upset.findings[0]
    assert (found.start_s, found.fired_s) == (3 + 20 * 0.5, 3 + 22 * 0.5)
    assert found.end_s == 3 + 40 * 0.5
    assert quiet.findings
    assert both.findings
    assert supervisor.per_hour is None
    assert supervisor.skipped == {"there is no supervisor here": 2}
    assert bored.skipped == {"the model tiny does not know 'bored'": 2}
    assert trial.per_hour is not None


def test_rules_of_an_agent_are_not_tried_where_emotion_was_not_inferred(
    sessions: Library,
) -> None:
    rules = RuleSet(
        rules=(EmotionRule(name="a", role=Role.AGENT, emotions=("angry",), probability=0.1),)
    )
    trial = DryRun(rules)
    trial.add(store(sessions))
    assert trial.rules[0].skipped == {"emotion is not inferred for the agent": 1}


def test_a_result_of_analyze_is_tried_on_emotions(sessions: Library, tmp_path: Path) -> None:
    call = store(sessions)
    path = tmp_path / "result.json"
    FORMATS["json"].write(Timeline.of_session(sessions, call.name), path)
    result = analysed_call(path)
    assert [(s.name, s.role, s.emotion) for s in result.streams] == [
        ("agent", Role.AGENT, False),
        ("customer", Role.CUSTOMER, True),
    ]
    assert result.form.hop_samples == HOP
    trial, stored = DryRun(RULES), DryRun(RULES)
    trial.add(result)
    stored.add(call)
    for ours, theirs in zip(trial.rules[:2], stored.rules[:2], strict=True):
        assert [f.fired_s for f in ours.findings] == [f.fired_s for f in theirs.findings]
        assert ours.findings
    assert trial.rules[2].skipped == {"no voice activity in a JSON result: name the recording": 1}


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"labels": 3}', "\x00", "[" * 100_000,
        '{"labels": [], "windows": [{"probabilities": null, "start_s": Infinity}]}',
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_what_is_no_result_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(EmoliveError, match="is no result of `emolive analyze --format json`"):
        analysed_call(path)
    with pytest.raises(EmoliveError, match="cannot be read"):
        analysed_call(tmp_path / "none.json")


def test_a_result_of_one_file_has_one_stream(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    shares = {"neutral": 0.1, "angry": 0.9, "disgust": 0.0}
    path.write_text(
        json.dumps(
            {
                "labels": LABELS, "model": "tiny", "duration_s": 10.0,
                "windows": [
                    {
                        "start_s": i / 2, "end_s": 3 + i / 2, "state": "speech",
                        "speech_ratio": 1.0, "probabilities": shares,
                    }
                    for i in range(10)
                ],
            }
        )
    )  # fmt: skip
    trial = DryRun(RULES)
    trial.add(analysed_call(path))
    assert [finding.fired_s for finding in trial.rules[0].findings] == [4.0]


@pytest.mark.corpora
def test_the_real_call_is_tried_as_it_would_run_live(corpora: Path, tmp_path: Path) -> None:
    """The engine's own events, in its own blocks, give what the dry run gives."""
    from emolive.alerts.engine import AlertEngine

    files = [corpora / "calls" / f"auto_repairs_40_{who}.flac" for who in ("agent", "caller")]
    if not all(file.exists() for file in files):
        pytest.skip("no calls among the corpora")
    tiny_model(tmp_path / "tiny.onnx")
    classifier = OnnxClassifier(tmp_path / "tiny.onnx", "cpu")
    vad, config = SileroVad(), EngineConfig()
    rules = RuleSet(
        rules=(
            SilenceRule(name="quiet", longer_than_s=2, cool_down_s=0),
            SilenceRule(name="customer", longer_than_s=5, role=Role.CUSTOMER, cool_down_s=0),
            OvertalkRule(name="both", seconds=0.1, window_s=60, cool_down_s=0),
            EmotionRule(name="agent", role=Role.AGENT, emotions=("angry",), probability=0.01),
        )
    )
    call = recorded_call(CallFiles(*files, paced=False), "call", classifier, vad, config)
    alerts, _, _ = call.evaluate(rules)
    assert {alert.rule for alert in alerts} == {"quiet", "customer", "both"}

    heard: list[Event] = []
    from emolive.engine.offline import analyze_source

    source = CallFiles(*files, paced=False, block_s=0.03)
    analyze_source(source, "call", classifier, vad, config, listen=heard.append)
    engine = AlertEngine(rules, call.streams, call.form)
    live = [alert for event in heard for alert in engine.accept(event)] + engine.finish()
    key = lambda a: (a.fired_sample, a.rule)  # noqa: E731
    assert sorted(live, key=key) == sorted(alerts, key=key)
    assert any(isinstance(event, FeatureBlock) for event in heard)
    assert any(isinstance(event, Prediction) for event in heard)
    classifier.close()


def test_an_hour_is_tried_at_least_a_hundred_times_as_fast_as_it_lasts(sessions: Library) -> None:
    """By processor time; some ten thousand times is usual."""
    rng = np.random.default_rng(0)
    n = 3600 * RATE // CHUNK
    flags = np.repeat(rng.integers(0, 2, n // 40 + 1), 40)[:n].astype(bool)
    new = session_record(
        streams=(StreamInfo("mono", RATE),),
        labels=LABELS,
    )
    writer = sessions.create(new, audio=False)
    writer.add_windows(windows(rng.uniform(0, 1, 7_000).tolist(), "mono"))
    for begin in range(0, n, 31):
        writer.add_activity("mono", activity(flags[begin : begin + 31], begin))
    call = stored_call(sessions, writer.finish(3600 * RATE))
    trial = DryRun(RULES)
    begun = time.process_time()
    trial.add(call)
    assert time.process_time() - begun < 36
    assert len(trial.rules[0].findings) > 10
    assert trial.rules[2].findings
