"""The baselines of a source's streams during one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from emolive.baseline.evidence import Evidence
from emolive.baseline.expected import ExpectedMix
from emolive.baseline.profile import Source, SourceProfile
from emolive.baseline.running import FixedBaseline, RunningBaseline, StreamBaseline, pooled_baseline
from emolive.baseline.store import ProfileStore
from emolive.types import Baseline, Role


class Baselines(Protocol):
    """Where a run's streams get their baselines from."""

    def open(
        self, stream: str, role: Role | None, model: str, labels: tuple[str, ...]
    ) -> StreamBaseline | None:
        """The baseline of a stream; None: it has none.

        `model` is its fingerprint, `labels` are its.
        """


class Profiles(Protocol):
    """Where profiles are kept: a `ProfileStore`, or what has another's."""

    def profile(self, source: Source) -> SourceProfile:
        """What is known of a source."""

    def add(self, source: Source, session: Evidence, heard_minutes: float) -> SourceProfile:
        """Enter a session of a source.

        Raises:
            EmoliveError: it cannot be kept.
        """


class SourceBaselines:
    """From the profiles of one source, which get what the run brings once it is over."""

    def __init__(
        self,
        store: Profiles,
        source: Callable[[], str],
        expected: ExpectedMix,
        group: str = "",
    ) -> None:
        """`source`: says the input's, tap's or folder's name, once it is open."""
        self._store = store
        self._source = source
        self._expected = expected
        self._group = group
        self._open: list[tuple[Source, RunningBaseline]] = []

    def open(
        self, stream: str, role: Role | None, model: str, labels: tuple[str, ...]
    ) -> RunningBaseline:
        """The baseline of a stream, from what earlier runs left."""
        source = Source(
            name=self._source(),
            role=role,
            stream="" if role is not None or stream == "mono" else stream,
            group=self._group,
            model=model,
            labels=labels,
        )
        profile = self._store.profile(source)
        running = RunningBaseline(
            source.title, profile.evidence, profile.sessions, self._expected, labels
        )
        self._open.append((source, running))
        return running

    def keep(self) -> None:
        """The run is over: enter what it brought, once.

        Raises:
            EmoliveError: it cannot be written.
        """
        streams, self._open = self._open, []
        for source, running in streams:
            session = running.session()
            if session.minutes > 0:
                self._store.add(source, session, running.heard_minutes)


class KnownSources:
    """What is known by now of the sources that streams were adapted to before; nothing is learnt.

    For another look at what was recorded, by whatever model.
    """

    def __init__(self, store: ProfileStore, before: Mapping[str, Baseline]) -> None:
        """`before`: how the streams of these names were adapted."""
        self._profiles = store.profiles() if before else []
        self._before = before

    def open(
        self,
        stream: str,
        role: Role | None,  # noqa: ARG002 - the source's title tells it
        model: str,
        labels: tuple[str, ...],
    ) -> FixedBaseline | None:
        """The baseline of a stream; None: it was not adapted, or the model is not known there."""
        told = self._before.get(stream)
        if told is None:
            return None
        known = [
            (profile.evidence, profile.sessions)
            for profile in self._profiles
            if (profile.source.title, profile.source.model, profile.source.labels)
            == (told.source, model, labels)
        ]
        expected = ExpectedMix(told.expected_neutral)
        return pooled_baseline(told.source, known, expected, labels) if known else None
