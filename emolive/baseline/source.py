"""The baselines of a source's streams during one run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from emolive.baseline.expected import ExpectedMix
from emolive.baseline.profile import Source
from emolive.baseline.running import RunningBaseline, StreamBaseline
from emolive.baseline.store import ProfileStore
from emolive.types import Role


class Baselines(Protocol):
    """Where a run's streams get their baselines from."""

    def open(
        self, stream: str, role: Role | None, model: str, labels: tuple[str, ...]
    ) -> StreamBaseline | None:
        """The baseline of a stream; None: it has none.

        Args:
            stream: its name.
            role: whose voice it is.
            model: the model's fingerprint.
            labels: the model's.
        """


class SourceBaselines:
    """From the profiles of one source, which get what the run brings once it is over."""

    def __init__(
        self,
        store: ProfileStore,
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
