"""The tables of the central history, and their version."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

VERSION = 2

# What turns the tables of a version into those of the next.
CHANGES = {
    "1": (
        "ALTER TABLE emolive_alerts ADD COLUMN said JSON",
        "ALTER TABLE emolive_stretches ADD COLUMN said JSON",
    ),
}

metadata = MetaData()

about = Table(
    "emolive_about",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

# One call of the telephone system, however many connections brought it.
calls = Table(
    "emolive_calls",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("tap", String(40), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Index("emolive_calls_by_key", "key", "last_at"),
    Index("emolive_calls_by_time", "started_at"),
)

stretches = Table(
    "emolive_stretches",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("call_id", ForeignKey("emolive_calls.id", ondelete="CASCADE"), nullable=False),
    Column("server", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("streams", JSON, nullable=False),
    Column("consent", Boolean),
    Column("brought_by", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("reason", Text),
    Column("said", JSON(none_as_null=True)),
    Column("session", Text),
    Index("emolive_stretches_by_call", "call_id"),
)

segments = Table(
    "emolive_segments",
    metadata,
    Column("stretch_id", ForeignKey("emolive_stretches.id", ondelete="CASCADE"), primary_key=True),
    Column("stream", String(40), primary_key=True),
    Column("start_s", Float, primary_key=True),
    Column("end_s", Float, nullable=False),
    Column("label", String(80), nullable=False),
    Column("confidence", Float, nullable=False),
    Index("emolive_segments_by_label", "label"),
)

# The last word of each stream so far: what a server that dies has not finished.
open_segments = Table(
    "emolive_open_segments",
    metadata,
    Column("stretch_id", ForeignKey("emolive_stretches.id", ondelete="CASCADE"), primary_key=True),
    Column("stream", String(40), primary_key=True),
    Column("start_s", Float, nullable=False),
    Column("end_s", Float, nullable=False),
    Column("label", String(80), nullable=False),
    Column("confidence", Float, nullable=False),
)

alerts = Table(
    "emolive_alerts",
    metadata,
    Column("stretch_id", ForeignKey("emolive_stretches.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("severity", String(20), nullable=False),
    Column("stream", String(40)),
    Column("start_s", Float, nullable=False),
    Column("fired_s", Float, nullable=False),
    Column("end_s", Float),
    Column("message", Text, nullable=False),
    Column("said", JSON(none_as_null=True)),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("emolive_alerts_by_rule", "rule"),
)

audit = Table(
    "emolive_audit",
    metadata,
    Column("server", String(80), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("details", JSON, nullable=False),
)
