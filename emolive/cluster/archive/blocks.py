"""A worker's portion: a few dozen files, analysed by a process of its own, written as one part."""

from __future__ import annotations

import logging
import queue
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from emolive.addresses import opened, reason
from emolive.archive.baselines import ArchiveBaselines
from emolive.archive.inputs import AudioInput
from emolive.archive.messages import Advanced, Begun, Done, Failed, FileResult, Message, Tell
from emolive.archive.processes import run_in_processes
from emolive.archive.settings import ArchiveSettings
from emolive.archive.work import FileWork
from emolive.cluster.archive.listing import SCHEMA, Listed, as_local, rows
from emolive.cluster.archive.parts import FILES, SEGMENTS, WINDOWS, Parts, file_row, file_schema
from emolive.cluster.parcels import unpacked
from emolive.engine import EngineConfig
from emolive.errors import EmoliveError
from emolive.i18n import language, tr, use_language, with_other
from emolive.inference.loading import load_classifier
from emolive.session.export.atomic import beside, fitting
from emolive.session.export.tables import segment_table, window_table
from emolive.session.timeline import Timeline
from emolive.speech.silero import SileroVad

_log = logging.getLogger(__name__)

# Of results on their way from the process that analyses to the part that is written.
_FORM = "parquet"
_ROOM = 256
_TYPES = {str: pa.string(), float: pa.float64()}

# What a worker tells about a file: the file, and a result (JSON) or a sentence.
# A row without a file: nothing can be had from any.
TOLD = pa.schema([*SCHEMA, ("result", pa.string()), ("failure", pa.string())])


@dataclass(frozen=True, slots=True)
class BlockJob:
    """What every worker needs to know.

    `model` is a file, and on its way to workers Ray's reference to its parcel; `out` the folder or
    address of the results; `fingerprint` and `baselines` as in `ArchiveSettings`; `language`: in
    which problems are told.
    """

    model: Any
    engine: EngineConfig
    labels: tuple[str, ...]
    out: str
    fingerprint: str
    baselines: ArchiveBaselines | None = None
    language: str = field(default_factory=language)


def analyse_block(block: pa.Table, job: BlockJob) -> Iterator[pa.Table]:
    """Analyse a block of a listing and write its part; yield a table of `TOLD` for each file.

    The part is called after what is in the block, so that one which is done twice, since its
    machine was lost in the middle, is there once.
    """
    import ray

    use_language(job.language)
    files = list(rows(block))
    with tempfile.TemporaryDirectory(prefix="emolive-block-") as name:
        folder = Path(name)
        model = unpacked(ray.get(job.model), folder)
        settings = ArchiveSettings(
            model,
            job.engine,
            folder / "results",
            (_FORM,),
            "mix",
            job.fingerprint,
            job.baselines,
        )
        outcomes: dict[int, FileResult | str] = {}
        try:
            for number, outcome in _outcomes(settings, files):
                outcomes[number] = outcome
                yield _told(files[number], outcome)
            Parts(job.out).write(
                _part_name(files, job), _tables(settings.out, files, outcomes, job)
            )
        except EmoliveError as error:
            yield pa.Table.from_pylist([{"failure": str(error)}], TOLD)


def _outcomes(
    settings: ArchiveSettings, files: list[Listed]
) -> Iterator[tuple[int, FileResult | str]]:
    """The files one after the other; one that kills its process fails alone.

    Raises:
        EmoliveError: nothing can be had from any file.
    """
    items = [as_local(row, row.item.path, number) for number, row in enumerate(files)]
    said: queue.Queue[Message | EmoliveError | None] = queue.Queue(_ROOM)

    def tell(message: Message) -> None:
        if isinstance(message, Done | Failed):
            said.put(message)

    def work() -> None:
        try:
            run_in_processes(settings, items, 1, tell, load=AddressWork.load)
        except EmoliveError as error:
            said.put(error)
        finally:
            said.put(None)

    worker = threading.Thread(target=work, name="emolive block", daemon=True)
    worker.start()
    while (message := said.get()) is not None:
        if isinstance(message, EmoliveError):
            raise message
        if isinstance(message, Done):
            yield int(message.item.result.name), message.result
        elif isinstance(message, Failed):
            yield int(message.item.result.name), message.sentence
    worker.join()


class AddressWork:
    """`FileWork` for files that may have to be fetched first, one at a time."""

    def __init__(self, work: FileWork, folder: Path) -> None:
        self._work = work
        self._folder = folder

    @classmethod
    def load(cls, settings: ArchiveSettings) -> Self:
        """Load the model for one core.

        Raises:
            EmoliveError: it cannot be used.
        """
        classifier = load_classifier(settings.model, "cpu", threads=1)
        work = FileWork(classifier, SileroVad(), settings, writers={_FORM: write_tables})
        settings.out.mkdir(exist_ok=True)
        return cls(work, settings.out.with_name("fetched"))

    def attempt(self, item: AudioInput, tell: Tell) -> None:
        """Fetch a file if need be, analyse it, and tell."""
        if not item.address:
            self._work.attempt(item, tell)
            return
        self._folder.mkdir(exist_ok=True)
        local = self._folder / fitting(PurePosixPath(item.path.name).name or "sound", 0)
        try:
            try:
                system, path = opened(item.address)
                system.get_file(path, str(local))
            except Exception as error:
                _log.warning("A file cannot be fetched", exc_info=True)
                tell(Begun(item))
                why = tr(
                    "{address} cannot be fetched ({reason}).",
                    address=item.address,
                    reason=reason(error),
                )
                tell(Failed(item, why))
                return
            fetched = AudioInput(local, item.result, item.size)
            self._work.attempt(fetched, lambda message: tell(_about(item, message, str(local))))
        finally:
            local.unlink(missing_ok=True)


def _about(item: AudioInput, message: Message, local: str) -> Message:
    """What was told about the local copy, told about the file itself."""

    def named(text: str | None) -> str | None:
        return text and with_other(text, local, item.address).replace(local, item.address)

    match message:
        case Begun():
            return Begun(item)
        case Advanced(_, done_s, total_s):
            return Advanced(item, done_s, total_s)
        case Failed(_, sentence):
            return Failed(item, named(sentence) or "")
        case Done(_, result):
            told = {"problem": named(result.problem), "note": named(result.note)}
            return Done(item, result.model_copy(update=told))
    return message


def write_tables(timeline: Timeline, path: Path) -> None:
    """Write windows and segments as `parquet` exports have them, always with their stream.

    Raises:
        OSError: they cannot be written.
    """
    stream = timeline.streams[0].name if timeline.streams else ""
    for table, target in (
        (window_table(timeline), path),
        (segment_table(timeline), beside(path, SEGMENTS)),
    ):
        content = [{"stream": stream, **row} for row in table.rows]
        pq.write_table(pa.Table.from_pylist(content, _schema(table.columns)), target)


def _schema(columns: Mapping[str, type[str] | type[float]]) -> pa.Schema:
    """Without the file, which is the same in all rows and added when parts are made."""
    named = {"stream": str, **columns}
    return pa.schema([(name, _TYPES[kind]) for name, kind in named.items() if name != "file"])


def _tables(
    folder: Path, files: list[Listed], outcomes: dict[int, FileResult | str], job: BlockJob
) -> dict[str, pa.Table]:
    """The part's tables, from what the process left in `folder`."""
    found: dict[str, list[pa.Table]] = {WINDOWS: [], SEGMENTS: []}
    empty = Timeline("", "", "", job.labels, 1, 1, 0.0, ())
    for number, outcome in sorted(outcomes.items()):
        if isinstance(outcome, str):
            continue
        path = folder / f"{number}.{_FORM}"
        for name, each in ((WINDOWS, path), (SEGMENTS, beside(path, SEGMENTS))):
            table = pq.read_table(each)
            whose = pa.array([files[number].file] * table.num_rows, pa.string())
            found[name].append(table.add_column(0, "file", whose))
    schemas = {
        name: pa.schema([pa.field("file", pa.string()), *_schema(table.columns)])
        for name, table in ((WINDOWS, window_table(empty)), (SEGMENTS, segment_table(empty)))
    }
    if job.baselines is not None:  # also of a file in which nobody speaks
        for label in job.labels:
            schemas[WINDOWS] = schemas[WINDOWS].append(pa.field(f"raw_{label}", pa.float64()))
    tables = {
        name: pa.concat_tables(
            [schemas[name].empty_table(), *found[name]], promote_options="default"
        )
        for name in found
    }
    told = [file_row(files[n], job.fingerprint, one) for n, one in sorted(outcomes.items())]
    tables[FILES] = pa.Table.from_pylist(told, file_schema(job.labels))
    return tables


def _told(row: Listed, outcome: FileResult | str) -> pa.Table:
    told = (
        {"failure": outcome} if isinstance(outcome, str) else {"result": outcome.model_dump_json()}
    )
    return pa.Table.from_pylist([asdict(row) | told], TOLD)


def _part_name(files: list[Listed], job: BlockJob) -> str:
    name = blake2b(digest_size=16)
    for row in files:
        name.update(row.digest(job.fingerprint))
    return name.hexdigest()


def told(row: dict[str, Any]) -> Message:
    """A row of `TOLD` as a message.

    Raises:
        EmoliveError: it says that nothing can be had from any file.
    """
    result, failure = row.pop("result"), row.pop("failure")
    if row["place"] is None:
        raise EmoliveError(failure)
    item = Listed(**row).item
    if result is None:
        return Failed(item, failure)
    return Done(item, FileResult.model_validate_json(result))
