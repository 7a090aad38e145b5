"""audformat: a database folder of db.yaml and tables, as audEERING's tools and corpora use it."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from emolive.session.export.atomic import replacing_folder
from emolive.session.export.tables import check_written_by, trace_table
from emolive.session.export.tiers import Tier, TierKind, tiers
from emolive.session.export.values import plain_text
from emolive.session.records import Dimension
from emolive.session.timeline import Timeline, TimelineStream

if TYPE_CHECKING:
    import pandas as pd


def check_audformat() -> None:
    """Make sure that audformat can be written, before work is put into what to write.

    Raises:
        EmoliveError: audformat is not installed.
    """
    check_written_by("audformat", "audformat")


def write_audformat(timeline: Timeline, path: Path) -> None:
    """Write a database folder of segmented tables, times exact to the nanosecond.

    Tables, stored as Parquet, which holds any label exactly: ``segments`` and ``windows`` of the
    model, ``labels``, ``comments`` and ``traces`` of people, and ``gaps``; numbered where there are
    several streams or annotators (a table's description tells whose it is). `file` is the stream's
    audio, relative to where the folder is if it is there or below, or the title where no audio is
    kept.

    Raises:
        EmoliveError: audformat is not installed.
        OSError: the folder cannot be written.
    """
    check_audformat()
    import audformat

    database = audformat.Database(
        "emolive",
        source=plain_text(timeline.source),
        usage=audformat.define.Usage.OTHER,
        description=plain_text(timeline.title),
        meta=_meta(timeline),
    )
    emotions = [*timeline.labels, "silence", "uncertain", "not_inferred"]
    given = [s.text for t in tiers(timeline) if t.kind is TierKind.HUMAN for s in t.spans]
    labels = list(dict.fromkeys(plain_text(label) for label in emotions + given))
    database.schemes["label"] = audformat.Scheme(labels=labels)
    database.schemes["share"] = audformat.Scheme("float", minimum=0, maximum=1)
    database.schemes["text"] = audformat.Scheme("str")
    for tier in tiers(timeline):
        _add_tier(database, timeline, tier, path.parent)
    if timeline.traces:
        database.schemes["rating"] = audformat.Scheme("float", minimum=-1, maximum=1)
        _add_traces(database, timeline, path.parent)
    for stream in timeline.streams:
        _add_windows(database, timeline, stream, path.parent)
    # Elsewhere first: it writes only to names that are valid text, which a file's need not be.
    with replacing_folder(path) as partial, TemporaryDirectory(prefix="emolive-") as folder:
        database.save(folder, storage_format="parquet", update_other_formats=False)
        shutil.copytree(folder, partial, dirs_exist_ok=True)


_NAMES = {
    TierKind.MODEL: "segments",
    TierKind.HUMAN: "labels",
    TierKind.COMMENTS: "comments",
    TierKind.GAPS: "gaps",
}


def _add_tier(database: Any, timeline: Timeline, tier: Tier, folder: Path) -> None:
    import audformat

    file = _file(timeline, tier.stream, folder)
    starts = [span.start_sample for span in tier.spans]
    ends = [span.end_sample for span in tier.spans]
    table = _table(database, _NAMES[tier.kind], tier.name, _index(timeline, file, starts, ends))
    emotions = tier.kind in (TierKind.MODEL, TierKind.HUMAN)
    column = "label" if emotions else "text"
    table[column] = audformat.Column(scheme_id=column)
    table[column].set([plain_text(span.text) for span in tier.spans])
    if tier.kind is TierKind.MODEL:
        table["confidence"] = audformat.Column(scheme_id="share")
        table["confidence"].set([span.confidence for span in tier.spans])


def _add_traces(database: Any, timeline: Timeline, folder: Path) -> None:
    import audformat

    file = _file(timeline, None, folder)
    for annotator in dict.fromkeys(trace.annotator for trace in timeline.traces):
        rows = [row for row in trace_table(timeline).rows if row["annotator"] == annotator]
        edges = [
            [round(float(str(row[edge])) * timeline.rate) for row in rows]
            for edge in ("start_s", "end_s")
        ]
        index = _index(timeline, file, *edges)
        table = _table(database, "traces", annotator or "annotator", index)
        for dimension in Dimension:
            table[dimension.value] = audformat.Column(scheme_id="rating")
            table[dimension.value].set([row.get(dimension.value) for row in rows])


def _add_windows(database: Any, timeline: Timeline, stream: TimelineStream, folder: Path) -> None:
    import audformat

    windows = stream.windows
    file = _file(timeline, stream.name, folder)
    starts = [window.start_sample for window in windows]
    ends = [window.end_sample for window in windows]
    table = _table(database, "windows", stream.name, _index(timeline, file, starts, ends))
    table["label"] = audformat.Column(scheme_id="label")
    table["label"].set([plain_text(window.label or window.state) for window in windows])
    for name in ("confidence", "speech_ratio"):
        table[name] = audformat.Column(scheme_id="share")
        table[name].set([float(getattr(window, name)) for window in windows])
    answers = {"p": [window.probabilities for window in windows]}
    if any(window.raw_probabilities is not None for window in windows):
        answers["raw"] = [window.raw_probabilities for window in windows]
    for kind, rows in answers.items():
        for number, label in enumerate(timeline.labels):
            column = f"{kind}_{plain_text(label)}"
            table[column] = audformat.Column(scheme_id="share")
            table[column].set([None if row is None else float(row[number]) for row in rows])


def _table(database: Any, name: str, whose: str, index: pd.MultiIndex) -> Any:
    import audformat

    number = 2
    table_id = name
    while table_id in database.tables:
        table_id, number = f"{name}-{number}", number + 1
    database[table_id] = audformat.Table(index, description=plain_text(whose))
    return database[table_id]


def _index(timeline: Timeline, file: str, starts: list[int], ends: list[int]) -> pd.MultiIndex:
    import audformat
    import pandas as pd

    def times(samples: list[int]) -> pd.TimedeltaIndex:
        rate = timeline.rate
        return pd.to_timedelta(
            [(sample * 1_000_000_000 + rate // 2) // rate for sample in samples], unit="ns"
        )

    return audformat.segmented_index([file] * len(starts), times(starts), times(ends))


def _file(timeline: Timeline, stream: str | None, folder: Path) -> str:
    names = [one for one in timeline.streams if stream in (None, one.name)]
    audio = names[0].audio if names else None
    if audio is None:
        return plain_text(timeline.title) or "recording"
    try:
        return plain_text(audio.path.resolve().relative_to(folder.resolve()).as_posix())
    except ValueError:
        return plain_text(audio.path.resolve().as_posix())


def _meta(timeline: Timeline) -> dict[str, object]:
    meta: dict[str, object] = {
        "model": plain_text(timeline.model),
        "sample_rate": timeline.sample_rate,
        "duration_s": timeline.duration_s,
    }
    if timeline.started_at is not None:
        meta["started_at"] = timeline.started_at.isoformat()
    return meta
