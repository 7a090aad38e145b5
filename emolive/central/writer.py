"""Hands records on to the central history, through every outage of its database."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
)

from emolive.central.records import Record, SegmentHeard
from emolive.central.store import CentralStore
from emolive.errors import EmoliveError

_log = logging.getLogger(__name__)

# Records that wait: half an hour of a hundred busy calls.
SPOOL = 200_000
_AT_ONCE = 500
_EVERY_S = 0.5
_RETRY_S = 0.5
_LONGEST_RETRY_S = 10.0


@dataclass(frozen=True, slots=True)
class WriterStatus:
    """`problem`: why nothing is written now, in a sentence; `dropped` and `refused` are lost.

    `waiting` records are to be written, `dropped` fell out of the full spool, `refused` were taken
    by no database.
    """

    waiting: int = 0
    written: int = 0
    dropped: int = 0
    refused: int = 0
    problem: str | None = None


class HistoryWriter:
    """A spool in memory and a thread that empties it.

    Buffer: `spool` records; overflow policy: the oldest are dropped, and counted. Records are
    written in their order, each batch whole or not at all, and again after a failure.
    """

    def __init__(self, store: CentralStore, spool: int = SPOOL) -> None:
        """Write into `store`, which is closed in the end."""
        self._store = store
        self._spool = spool
        self._waiting: deque[Record] = deque()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._until = 0.0
        self._status = WriterStatus()
        self._thread = threading.Thread(target=self._run, name="emolive history", daemon=True)
        self._thread.start()

    @property
    def status(self) -> WriterStatus:
        """How it goes."""
        with self._lock:
            return replace(self._status, waiting=len(self._waiting))

    def put(self, records: Iterable[Record]) -> None:
        """Have these written; never waits."""
        with self._lock:
            for record in records:
                self._waiting.append(record)
                if len(self._waiting) > self._spool:
                    self._waiting.popleft()
                    self._status = replace(self._status, dropped=self._status.dropped + 1)

    def close(self, within_s: float = 10.0) -> WriterStatus:
        """Write what waits, trying for so long; what is then left is counted as dropped."""
        self._until = time.monotonic() + within_s
        self._ending.set()
        self._thread.join()
        self._store.close()
        with self._lock:
            left = len(self._waiting)
            self._waiting.clear()
            self._status = replace(self._status, dropped=self._status.dropped + left)
        return self.status

    def _run(self) -> None:
        retry_s = _RETRY_S
        while True:
            batch = self._batch()
            if not batch:
                if self._ending.is_set():
                    return
                self._ending.wait(_EVERY_S)
                continue
            problem = self._try(batch)
            self._tell(problem)
            if problem is None:
                retry_s = _RETRY_S
                continue
            if self._ending.is_set() and time.monotonic() >= self._until:
                return
            if self._ending.wait(retry_s):
                time.sleep(_RETRY_S)
            retry_s = min(2 * retry_s, _LONGEST_RETRY_S)

    def _batch(self) -> list[Record]:
        """The next records; of a segment that is open only the newest word counts."""
        with self._lock:
            return [self._waiting[n] for n in range(min(_AT_ONCE, len(self._waiting)))]

    def _try(self, batch: list[Record]) -> str | None:
        """Write a batch; why that did not work, None: it did."""
        try:
            self._store.write(_newest(batch))
        except DBAPIError as error:
            if error.connection_invalidated or _passing(error):
                return str(self._store.unusable(error))
            self._one_by_one(batch)
        except (EmoliveError, SQLAlchemyError) as error:
            return str(error if isinstance(error, EmoliveError) else self._store.unusable(error))
        else:
            self._over(batch, written=len(batch))
        return None

    def _one_by_one(self, batch: list[Record]) -> None:
        """Among these is one that no database takes: it alone is lost."""
        for record in batch:
            try:
                self._store.write([record])
            except DBAPIError as error:
                if error.connection_invalidated or _passing(error):
                    return  # the rest is tried again
                kind = type(record).__name__
                _log.warning("A record of the history was refused: %s", kind, exc_info=True)
                self._over([record], refused=1)
            else:
                self._over([record], written=1)

    def _over(self, batch: list[Record], written: int = 0, refused: int = 0) -> None:
        with self._lock:
            for record in batch:
                # Where the spool ran over meanwhile, it is gone already.
                if self._waiting and self._waiting[0] is record:
                    self._waiting.popleft()
            status = self._status
            self._status = replace(
                status, written=status.written + written, refused=status.refused + refused
            )

    def _tell(self, problem: str | None) -> None:
        with self._lock:
            before, self._status = self._status.problem, replace(self._status, problem=problem)
        if problem is not None and before is None:
            _log.warning("The central history cannot be written; it is tried again")
        elif problem is None and before is not None:
            _log.info("The central history is written again")


def _passing(error: DBAPIError) -> bool:
    """Whether the database, not the record, is at fault."""
    return isinstance(error, OperationalError | InterfaceError | InternalError)


def _newest(batch: list[Record]) -> list[Record]:
    """Without the words about open segments that later ones in the batch replace."""
    last: dict[tuple[str, str], int] = {}
    for n, record in enumerate(batch):
        if isinstance(record, SegmentHeard) and record.open:
            last[record.stretch, record.stream] = n
    return [
        record
        for n, record in enumerate(batch)
        if not (isinstance(record, SegmentHeard) and record.open)
        or last[record.stretch, record.stream] == n
    ]
