"""Writing to the central history: whatever is written twice is there once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Table,
    create_engine,
    delete,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from emolive.central import schema
from emolive.central.records import (
    AlertOver,
    AlertRaised,
    Audited,
    Record,
    SegmentHeard,
    ServerBegan,
    StretchBegan,
    StretchEnded,
    StretchRecorded,
)
from emolive.errors import EmoliveError, first_line
from emolive.extras import way_to_get
from emolive.i18n import mark, parts_of, tr

# A call that comes back within this time, from whichever server, is the same call.
REJOIN = timedelta(minutes=2)
LOST = mark("The server was lost.")
_CONNECT_S = 5
_KINDS = ("postgresql", "sqlite")


class CentralStore:
    """The history behind an address; may be used from several threads."""

    def __init__(self, address: str) -> None:
        """Prepare; nobody is asked before the first use.

        `address`: ``postgresql://user:password@host/name`` or ``sqlite:///FILE``.

        Raises:
            EmoliveError: it is no such address.
        """
        self._url = _url(address)
        self.engine = _engine(self._url)
        self._ready = False

    @property
    def name(self) -> str:
        """Its address without the password."""
        return self._url.render_as_string(hide_password=True)

    def prepare(self) -> None:
        """Make the tables where there are none, and bring older ones up to date.

        Raises:
            EmoliveError: they are those of a newer program, or the database cannot be used.
        """
        if self._ready:
            return
        try:
            # Several servers may begin at once.
            with suppress(IntegrityError), self.engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7264519)")
                else:
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                schema.metadata.create_all(connection)
                if (found := _version(connection)) is None:
                    row = {"name": "version", "value": str(schema.VERSION)}
                    connection.execute(insert(schema.about).values(row))
                elif found in schema.CHANGES:
                    for change in schema.CHANGES[found]:
                        connection.exec_driver_sql(change)
                    mine = schema.about.c.name == "version"
                    now = {"value": str(schema.VERSION)}
                    connection.execute(update(schema.about).where(mine).values(now))
            with self.engine.connect() as connection:
                found = _version(connection)
        except SQLAlchemyError as error:
            raise self.unusable(error) from error
        if found != str(schema.VERSION):
            raise EmoliveError(
                "The history at {name} has version {found}, this program knows {known}: use "
                "the same version of emolive on all machines.",
                name=self.name,
                found=str(found),
                known=schema.VERSION,
            )
        self._ready = True

    def unusable(self, error: Exception) -> EmoliveError:
        """The error for a database that does not answer."""
        cause = first_line(getattr(error, "orig", None) or error)
        return EmoliveError(
            "The history at {name} cannot be used ({cause}): start the database, or "
            "correct --history.",
            name=self.name,
            cause=cause,
        )

    @contextmanager
    def used(self, *, changing: bool = False) -> Iterator[Connection]:
        """A connection, in one transaction where something is to be changed.

        Raises:
            EmoliveError: the database cannot be used.
        """
        try:
            self.prepare()
            with self.engine.begin() if changing else self.engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self.unusable(error) from error

    def write(self, records: Iterable[Record]) -> None:
        """Write all of them, or none.

        Raises:
            SQLAlchemyError: they cannot be written now.
        """
        self.prepare()
        with self.engine.begin() as connection:
            for record in records:
                _write(connection, record)

    def delete(self, call_id: str) -> None:
        """Delete a call with all that hangs on it.

        Raises:
            EmoliveError: it cannot be done now.
        """
        with self.used(changing=True) as connection:
            connection.execute(delete(schema.calls).where(schema.calls.c.id == call_id))

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def _url(address: str) -> URL:
    try:
        url = make_url(address)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in _KINDS:
        raise EmoliveError(
            "A history is kept at postgresql://USER:PASSWORD@HOST/NAME or "
            "sqlite:///FILE: correct --history."
        )
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        more: dict[str, Any] = {"connect_args": {"connect_timeout": _CONNECT_S}}
    else:
        more = {"connect_args": {"timeout": _CONNECT_S}}
        if url.database:
            with suppress(OSError):
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = create_engine(url, pool_pre_ping=True, pool_size=2, max_overflow=4, **more)
    except (ImportError, NoSuchModuleError, TypeError) as error:
        raise EmoliveError(
            "A central history needs an extra ({error}): {way}.",
            error=error,
            way=way_to_get("cluster"),
        ) from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _sqlite_settings)
    return engine


def _sqlite_settings(connection: Any, _: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _version(connection: Connection) -> str | None:
    wanted = select(schema.about.c.value).where(schema.about.c.name == "version")
    found: str | None = connection.execute(wanted).scalar()
    return found


def _write(connection: Connection, record: Record) -> None:
    match record:
        case ServerBegan():
            _leave_nothing_open(connection, record)
        case StretchBegan():
            _begin(connection, record)
        case StretchRecorded():
            mine = schema.stretches.c.id == record.stretch
            recorded = {"session": record.session}
            connection.execute(update(schema.stretches).where(mine).values(recorded))
        case StretchEnded():
            _end(connection, record)
        case SegmentHeard():
            _segment(connection, record)
        case AlertRaised():
            row = asdict(record) | {"at": utc(record.at)}
            row["stretch_id"] = row.pop("stretch")
            _put(connection, schema.alerts, row, replacing=False)
        case AlertOver():
            mine = (schema.alerts.c.stretch_id == record.stretch) & (
                schema.alerts.c.number == record.number
            )
            connection.execute(update(schema.alerts).where(mine).values(end_s=record.end_s))
        case Audited():
            row = asdict(record) | {"at": utc(record.at)}
            _put(connection, schema.audit, row, replacing=False)


def _begin(connection: Connection, record: StretchBegan) -> None:
    known = select(schema.stretches.c.id).where(schema.stretches.c.id == record.stretch)
    if connection.execute(known).scalar() is not None:
        return
    at = utc(record.at)
    calls = schema.calls
    same = (
        select(calls.c.id)
        .where(calls.c.key == record.key, calls.c.last_at >= at - REJOIN)
        .order_by(calls.c.last_at.desc())
        .limit(1)
    )
    call = connection.execute(same).scalar() if record.key else None
    if call is None:
        call = record.stretch
        row = {"id": call, "key": record.key, "name": record.name, "tap": record.tap,
               "started_at": at, "last_at": at}  # fmt: skip
        _put(connection, calls, row, replacing=False)
    row = {
        "id": record.stretch, "call_id": call, "server": record.server, "model": record.model,
        "streams": list(record.streams), "consent": record.consent, "brought_by": record.by,
        "started_at": at,
    }  # fmt: skip
    _put(connection, schema.stretches, row, replacing=False)
    _seen(connection, record.stretch, at)


def _end(connection: Connection, record: StretchEnded) -> None:
    stretches, left = schema.stretches, schema.open_segments
    ended: dict[str, Any] = {
        "ended_at": utc(record.at), "reason": record.reason, "said": record.said
    }  # fmt: skip
    if record.session is not None:
        ended["session"] = record.session
    mine = stretches.c.id == record.stretch
    if record.lost:
        mine &= stretches.c.ended_at.is_(None)
    if not connection.execute(update(stretches).where(mine).values(ended)).rowcount:
        return
    heard_last = left.c.stretch_id == record.stretch
    if record.lost:
        for row in connection.execute(select(left).where(heard_last)).mappings():
            _put(connection, schema.segments, dict(row), replacing=True)
    # Whoever ends in good order has finished what was open.
    connection.execute(delete(left).where(heard_last))
    _seen(connection, record.stretch, utc(record.at))


def _leave_nothing_open(connection: Connection, record: ServerBegan) -> None:
    stretches = schema.stretches
    wanted = (
        select(stretches.c.id, schema.calls.c.last_at)
        .join(schema.calls, schema.calls.c.id == stretches.c.call_id)
        .where(stretches.c.server == record.server, stretches.c.ended_at.is_(None))
        .where(stretches.c.started_at < utc(record.at))
    )
    for stretch, last_at in connection.execute(wanted).all():
        said = {"reason": parts_of(tr(LOST))}
        _end(connection, StretchEnded(stretch, last_at, tr(LOST), lost=True, said=said))


def _segment(connection: Connection, record: SegmentHeard) -> None:
    row = asdict(record)
    row["stretch_id"] = row.pop("stretch")
    is_open = row.pop("open")
    _put(connection, schema.open_segments if is_open else schema.segments, row, replacing=True)
    if is_open:
        began = select(schema.stretches.c.started_at).where(schema.stretches.c.id == record.stretch)
        if (at := connection.execute(began).scalar()) is not None:
            _seen(connection, record.stretch, utc(at) + timedelta(seconds=record.end_s))
    else:
        left = schema.open_segments
        overtaken = (left.c.stretch_id == record.stretch) & (left.c.stream == record.stream)
        before = left.c.start_s < record.end_s
        connection.execute(delete(left).where(overtaken & before & (left.c.end_s <= record.end_s)))
        connection.execute(update(left).where(overtaken & before).values(start_s=record.end_s))


def _seen(connection: Connection, stretch: str, at: datetime) -> None:
    """The call was there at that time."""
    call = select(schema.stretches.c.call_id).where(schema.stretches.c.id == stretch)
    calls = schema.calls
    later = (calls.c.id == call.scalar_subquery()) & (calls.c.last_at < at)
    connection.execute(update(calls).where(later).values(last_at=at))


def _put(connection: Connection, table: Table, row: dict[str, Any], *, replacing: bool) -> None:
    """Insert a row; one that is there is left, or replaced."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(row)
    key = [column.name for column in table.primary_key]
    rest = {name: statement.excluded[name] for name in row if name not in key}
    if replacing and rest:
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=rest))
    else:
        connection.execute(statement.on_conflict_do_nothing(index_elements=key))


def utc(at: datetime) -> datetime:
    """Whatever time zone the database speaks of; SQLite forgets it, so all is kept in UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
