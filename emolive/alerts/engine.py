"""All rules on one call: events in, alerts out; no threads, no clock, no input or output."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from emolive.alerts.conditions.rule import Rule
from emolive.alerts.rules import RuleSet
from emolive.alerts.voices import JointRun, Voices
from emolive.alerts.watch import CallFormat, PredictionWatch, VoiceWatch, Watch
from emolive.i18n import tr
from emolive.types import (
    Alert,
    AlertEnded,
    EngineStatus,
    Event,
    FeatureBlock,
    Prediction,
    SpeechActivity,
    Stream,
    StreamStatus,
)

# Ends that nobody takes: the oldest are forgotten.
_KEPT_ENDS = 1_000


class AlertEngine:
    """Evaluates rules on one call as its events come.

    Everything is in sample time, so the same call gives the same alerts, live or stored, however
    its audio was cut into blocks. Emotion rules see nothing of streams on which emotion is not
    inferred, whatever comes along. Memory is bounded by the rules' windows. One thread owns it.
    """

    def __init__(
        self,
        rules: RuleSet,
        streams: Sequence[Stream],
        call: CallFormat,
        kept_ends: int | None = _KEPT_ENDS,
    ) -> None:
        """Watch `streams`.

        `kept_ends` (None: all) wait for `take_ended`. A rule with nothing to watch, for its party
        is not there or the model does not know its emotion, has a sentence in `notes`.
        """
        self._streams = {stream.name: stream for stream in streams}
        self._call = call
        self._emotional: dict[str, list[PredictionWatch]] = {name: [] for name in self._streams}
        self._talk: list[VoiceWatch] = []
        self._order: dict[Watch, int] = {}
        self._ended: deque[AlertEnded] = deque(maxlen=kept_ends)
        self._position = 0
        self._rules = rules.enabled
        self._add(self._rules)
        self.notes = self._find_notes()
        self._voices = Voices(tuple(self._streams), call.rate)

    @property
    def raised(self) -> tuple[tuple[str, str | None], ...]:
        """Rule and stream (None: the conversation) of the alerts that are not over."""
        return tuple(
            (watch.rule.name, watch.stream_name) for watch in self._order if watch.latch.raised
        )

    def accept(self, event: Event) -> list[Alert]:
        """Take the call's next event; return what it raised, in the order of time.

        Events of streams that are not watched are left alone. A status tells on which streams
        emotion is inferred from now on, and whether two of them carry the same sound.
        """
        if isinstance(event, Prediction):
            return self._predict(event)
        if isinstance(event, FeatureBlock):
            return [] if event.activity is None else self.hear(event.stream, event.activity)
        if isinstance(event, EngineStatus):
            self._permit(event.streams)
            self._compare(one_sound=event.one_sound)
        return []

    def hear(self, stream: str, activity: SpeechActivity) -> list[Alert]:
        """Take a stream's next voice activity; return what it raised, in the order of time."""
        if stream not in self._streams:
            return []
        self._position = max(self._position, activity.end_sample)
        return self._talked(self._voices.accept(stream, activity))

    def finish(self) -> list[Alert]:
        """The call is over: settle what is pending; everything that is raised ends with it."""
        alerts = self._talked(self._voices.finish())
        for watch in self._order:
            watch.stop(self._position)
        return alerts + self._collect(self._order)

    def take_ended(self) -> list[AlertEnded]:
        """What has ended since the last time (the newest `kept_ends`), in the order of time."""
        ended = sorted(self._ended, key=lambda over: over.end_sample)
        self._ended.clear()
        return ended

    def _predict(self, prediction: Prediction) -> list[Alert]:
        stream = self._streams.get(prediction.stream)
        if stream is None:
            return []
        self._position = max(self._position, prediction.end_sample)
        if not stream.emotion:
            return []
        watches = self._emotional[stream.name]
        for watch in watches:
            watch.accept(prediction)
        return self._collect(watches)

    def _talked(self, runs: list[JointRun]) -> list[Alert]:
        for watch in self._talk:
            for run in runs:
                watch.accept(run)
        return self._collect(self._talk)

    def _permit(self, statuses: Iterable[StreamStatus]) -> None:
        for status in statuses:
            stream = self._streams.get(status.name)
            if stream is None or stream.emotion == status.emotion:
                continue
            self._streams[stream.name] = replace(stream, emotion=status.emotion)
            for watch in self._emotional[stream.name]:
                watch.stop(self._position)
            # Their ends wait for `take_ended`.
            self._collect(self._emotional[stream.name])
            self.notes = self._find_notes()

    def _compare(self, *, one_sound: bool) -> None:
        if one_sound == self._call.one_sound:
            return
        self._call = replace(self._call, one_sound=one_sound)
        streams = tuple(self._streams.values())
        idle = {rule for rule in self._rules if rule.nothing_to_watch(streams, self._call)}
        over = [watch for watch in self._talk if watch.rule in idle]
        for watch in over:
            watch.stop(self._position)
        self._collect(over)  # their ends wait for `take_ended`
        for watch in over:
            del self._order[watch]
        self._talk = [watch for watch in self._talk if watch not in over]
        watching = {watch.rule for watch in self._order}
        self._add(rule for rule in self._rules if rule not in watching)
        self.notes = self._find_notes()

    def _collect(self, watches: Iterable[Watch]) -> list[Alert]:
        alerts: list[tuple[int, int, Alert]] = []
        for watch in watches:
            for outcome in watch.take():
                if isinstance(outcome, Alert):
                    alerts.append((outcome.fired_sample, self._order[watch], outcome))
                else:
                    self._ended.append(outcome)
        return [alert for _, _, alert in sorted(alerts, key=lambda entry: entry[:2])]

    def _add(self, rules: Iterable[Rule]) -> None:
        streams = tuple(self._streams.values())
        for watch in (watch for rule in rules for watch in rule.watches_in(streams, self._call)):
            self._order[watch] = len(self._order)
            if isinstance(watch, PredictionWatch):
                assert watch.stream_name is not None
                self._emotional[watch.stream_name].append(watch)
            elif isinstance(watch, VoiceWatch):
                self._talk.append(watch)

    def _find_notes(self) -> tuple[str, ...]:
        streams = tuple(self._streams.values())
        return tuple(
            tr("Rule {name} has nothing to watch: {why}.", name=repr(rule.name), why=why)
            for rule in self._rules
            if (why := rule.nothing_to_watch(streams, self._call))
        )
