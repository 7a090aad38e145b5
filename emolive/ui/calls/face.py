"""What a call's card says, in words and numbers; compared before anything is drawn. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from emolive.i18n import decimal, ntr, tr
from emolive.inference.doubt import doubt_sentence, doubts
from emolive.labels import emotion_name
from emolive.times import clock_text, duration_text, length_text
from emolive.types import EngineState, Role, Severity, SpeechState
from emolive.ui.calls.model import CallModel
from emolive.wording import percent, state_name, stream_name

# A lag that a person should know about.
NOTABLE_LAG_S = 1.5


@dataclass(frozen=True, slots=True)
class CallFace:
    """One moment of a card.

    `label` is the class whose colour is shown (None: the pattern of `state`, None: nothing yet);
    `alert` is the rule of the gravest alert nobody has seen to, `message` what it says; `speaking`
    are the streams on which somebody speaks; `health` says how the engine is doing, `troubled`
    whether that matters; `answers` changes whenever the trend does;
    `recorded` tells whether it is being recorded; `why` explains doubt about the emotion.
    """

    name: str
    state: SpeechState | None
    label: str | None
    word: str
    detail: str
    party: str
    duration: str
    speaking: tuple[str, ...]
    alert: str
    message: str
    severity: Severity | None
    n_open: int
    health: str
    troubled: bool
    over: bool
    answers: int
    recorded: bool = False
    why: str = ""

    def spoken(self) -> str:
        """The same for screen readers."""
        parts = [self.party, f"{self.word} {self.detail}".strip(), self.duration, self.health]
        if self.why:
            parts.insert(2, self.why)
        if self.recorded:
            parts.append(tr("being recorded"))
        if self.alert:
            parts.insert(0, self.message)
        return ", ".join(part for part in parts if part)


def face_of(model: CallModel) -> CallFace:
    """What is to be shown now."""
    state, label, confidence = model.state_words()
    word, detail = _words(model, state, label, confidence)
    main = model.main
    waiting = model.open_alerts
    gravest = max(
        waiting, key=lambda e: (list(Severity).index(e.alert.severity), e.number), default=None
    )
    health, troubled = _health(model)
    several = len(model.streams) > 1
    return CallFace(
        name=" · ".join(filter(None, (model.info.name, model.info.choice.agent_name))),
        state=None if model.over else state,
        label=None if model.over else label,
        word=word,
        detail=detail,
        party=stream_name(main.name) if main is not None and several else "",
        duration=(length_text if model.over else clock_text)(model.end_s),
        speaking=tuple(s.name for s in model.streams.values() if s.speech and not model.over),
        alert=gravest.alert.rule if gravest is not None else "",
        message=gravest.alert.message if gravest is not None else "",
        severity=gravest.alert.severity if gravest is not None else None,
        n_open=len(waiting),
        health=health,
        troubled=troubled,
        over=model.over,
        answers=main.decisions.count if main is not None else 0,
        recorded=model.recorded,
        why=_why(model),
    )


def _words(
    model: CallModel, state: SpeechState | None, label: str | None, confidence: float
) -> tuple[str, str]:
    if model.state is EngineState.FAILED:
        return tr("failed"), ""
    if model.over:
        return tr("ended"), ""
    if state is None:
        opening = model.state is EngineState.STARTING
        return (tr("opening…") if opening else tr("listening…")), ""
    if state is SpeechState.SPEECH and label is not None:
        return emotion_name(label), percent(confidence)
    return state_name(state), ""


def _why(model: CallModel) -> str:
    """Why the main party's answer is in doubt, in a sentence, or ""."""
    answer = model.main.current if model.main is not None and not model.over else None
    if answer is None:
        return ""
    clauses = doubts(
        answer.state, answer.label, answer.confidence, answer.probabilities,
        model.info.facts.labels, familiarity=answer.shift.word if answer.shift else None,
    )  # fmt: skip
    return doubt_sentence(answer.state, clauses)


def _health(model: CallModel) -> tuple[str, bool]:
    status = model.status
    if status is None:
        return tr("opening the source"), False
    if status.state is EngineState.FAILED:
        return status.reason or tr("The engine stopped."), True
    if status.state is EngineState.STOPPED:
        return status.reason or tr("lasted {time}", time=duration_text(model.end_s)), False
    if status.state is EngineState.RECONNECTING:
        return tr("reconnecting"), True
    missing = [stream.name for stream in status.streams if stream.missing]
    if missing:
        return tr("{party} is away", party=stream_name(missing[0])), True
    if status.lag_s >= NOTABLE_LAG_S:
        return tr("{lag} s behind", lag=decimal(status.lag_s, 1)), True
    if status.overflows or status.samples_lost:
        return tr("some sound was lost"), True
    if status.windows_skipped:
        return tr("some answers left out"), True
    if model.recording is not None and model.recording.error:
        return model.recording.error, True
    if status.hint:
        return status.hint, True
    if status.state is EngineState.STARTING:
        return tr("opening the source"), False
    return tr("on time"), False


def figures_of(model: CallModel) -> str:
    """What stands behind the words about how the engine is doing, for those who ask."""
    status = model.status
    if status is None:
        return ""
    parts = (
        tr("{lag} s behind", lag=decimal(status.lag_s, 1)),
        ntr("{count} block lost", "{count} blocks lost", status.overflows),
        tr("lost {time}", time=duration_text(status.samples_lost / model.info.facts.rate)),
        ntr("{count} window skipped", "{count} windows skipped", status.windows_skipped),
        ntr("{count} event lost", "{count} events lost", model.lost),
    )
    return " · ".join(parts)


def party_letter(stream: str, role: Role | None) -> str:
    """One letter for a party, where there is no room for a word."""
    return stream_name(str(role) if role else stream)[:1].upper()
