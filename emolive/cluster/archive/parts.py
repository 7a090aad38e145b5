"""Results as Parquet parts in one folder, on any file system: ``windows``, ``segments``, ``files``.

A part of `files` is written last: what it names is finished, whatever kills the program or its
machine. Parts of `windows` and `segments` that no part of `files` belongs to are half-done work.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from emolive.addresses import opened, reason
from emolive.archive.messages import FileResult
from emolive.cluster.archive.listing import Listed, Listing, rows
from emolive.errors import EmoliveError
from emolive.session.export.atomic import replacing

WINDOWS, SEGMENTS, FILES = "windows", "segments", "files"
_DETAILS = (WINDOWS, SEGMENTS)
_ANSWER, _LENGTH = "p_", "s_"


def file_schema(labels: tuple[str, ...]) -> pa.Schema:
    """Of `files`: one row per file.

    `status` is done, partial or failed; ``p_<label>`` the file-level answer, ``s_<label>`` how many
    seconds of the timeline have that label. `size`, `version` and `settings` tell what was analysed
    and how.
    """
    lengths = (*labels, "silence", "uncertain", "not_inferred")
    return pa.schema(
        [
            ("file", pa.string()),
            ("status", pa.string()),
            ("duration_s", pa.float64()),
            ("label", pa.string()),
            ("confidence", pa.float64()),
            *((_ANSWER + label, pa.float64()) for label in labels),
            *((_LENGTH + label, pa.float64()) for label in lengths),
            ("problem", pa.string()),
            ("note", pa.string()),
            ("size", pa.int64()),
            ("version", pa.string()),
            ("settings", pa.string()),
        ]
    )


def file_row(row: Listed, fingerprint: str, outcome: FileResult | str) -> dict[str, object]:
    """A row of `file_schema`: a file's result, or the sentence that says why there is none."""
    about: dict[str, object] = {
        "file": row.file, "size": row.size, "version": row.version, "settings": fingerprint
    }  # fmt: skip
    if isinstance(outcome, str):
        return about | {"status": "failed", "problem": outcome}
    about |= {_ANSWER + label: share for label, share in outcome.probabilities.items()}
    about |= {_LENGTH + label: length for label, length in outcome.seconds.items()}
    return about | {
        "status": "partial" if outcome.problem else "done",
        "duration_s": outcome.duration_s,
        "label": outcome.label,
        "confidence": outcome.confidence,
        "problem": outcome.problem,
        "note": outcome.note,
    }


def _result(row: dict[str, Any]) -> FileResult:
    def named(prefix: str) -> dict[str, float]:
        found = ((n.removeprefix(prefix), v) for n, v in row.items() if n.startswith(prefix))
        return {name: value for name, value in found if value is not None}

    return FileResult(
        duration_s=row["duration_s"],
        label=row["label"],
        probabilities=named(_ANSWER),
        seconds=named(_LENGTH),
        outputs=(),
        problem=row["problem"],
        note=row["note"],
    )


class Parts:
    """The parts below one folder or address."""

    def __init__(self, out: str) -> None:
        """Below `out`, which is made if it is not there.

        Raises:
            EmoliveError: nothing can be written there.
        """
        self._out = out
        self._system, self._root = opened(out)
        try:
            self._system.makedirs(self._root, exist_ok=True)
            probe = self._path(FILES, f"{uuid.uuid4().hex}.probe")
            self._write_bytes(probe, b"emolive")
            self._system.rm_file(probe)
        except Exception as error:
            raise self.unwritable(error) from error

    def unwritable(self, error: Exception) -> EmoliveError:
        """The error for a folder that takes nothing."""
        return EmoliveError(
            "Cannot write to {out} ({reason}): choose another place with --out.",
            out=self._out,
            reason=reason(error),
        )

    def __bool__(self) -> bool:
        """Whether anything is finished here."""
        return bool(self._names(FILES))

    def write(self, part: str, tables: dict[str, pa.Table]) -> None:
        """Write all tables of a part, `FILES` last; one of the same name is replaced.

        Raises:
            EmoliveError: it cannot be written.
        """
        try:
            for name in (*_DETAILS, FILES):
                content = BytesIO()
                pq.write_table(tables[name], content)
                self._write_bytes(self._path(name, f"part-{part}.parquet"), content.getvalue())
        except Exception as error:
            raise self.unwritable(error) from error

    def resume(self, listing: Listing, fingerprint: str) -> Iterator[tuple[int, FileResult]]:
        """What of `listing` is finished, by index, with its results; all else about it is removed.

        A row about a file that is to be done (again), or a second one about the same file, goes,
        and so do parts that were never finished. Results of files that are not listed stay.

        Raises:
            EmoliveError: the parts cannot be read or rewritten.
        """
        wanted = {row.file: n for n, row in enumerate(rows(listing.table))}
        digests = [row.digest(fingerprint) for row in rows(listing.table)]
        seen: set[str] = set()
        try:
            finished = self._names(FILES)
            for table in _DETAILS:
                for name in self._names(table) - finished:
                    self._system.rm_file(self._path(table, name))
            for name in sorted(finished):
                stale: list[str] = []
                for row in self._read(FILES, name).to_pylist():
                    file = row["file"]
                    index = wanted.get(file)
                    now = Listed(file.encode(), True, row["size"], row["version"])
                    if file in seen:
                        stale.append(file)
                        continue
                    if index is None:
                        seen.add(file)
                    elif row["status"] == "done" and now.digest(row["settings"]) == digests[index]:
                        seen.add(file)
                        yield index, _result(row)
                    else:
                        stale.append(file)
                if stale:
                    self._drop(name, stale)
        except (OSError, pa.ArrowException) as error:
            raise EmoliveError(
                "The results in {out} cannot be gone on with ({reason}): choose "
                "another place with --out.",
                out=self._out,
                reason=reason(error),
            ) from error

    def _drop(self, name: str, files: list[str]) -> None:
        """Write a part anew without these files; killed in between, it is there twice."""
        tables = {}
        for table in (*_DETAILS, FILES):
            whole = self._read(table, name)
            gone = pc.is_in(whole.column("file"), value_set=pa.array(files, pa.string()))
            tables[table] = whole.filter(pc.invert(gone))
        if tables[FILES].num_rows:
            self.write(uuid.uuid4().hex, tables)
        for table in (FILES, *_DETAILS):
            self._system.rm_file(self._path(table, name))

    def _names(self, table: str) -> set[str]:
        folder = self._path(table, "")
        if not self._system.exists(folder):
            return set()
        self._system.invalidate_cache()
        found = (str(name).rpartition("/")[2] for name in self._system.ls(folder, detail=False))
        return {name for name in found if name.startswith("part-") and name.endswith(".parquet")}

    def _read(self, table: str, name: str) -> pa.Table:
        content = self._system.cat_file(self._path(table, name))
        return pq.read_table(BytesIO(content))

    def _path(self, table: str, name: str) -> str:
        return "/".join(part for part in (self._root.rstrip("/"), table, name) if part)

    def _write_bytes(self, path: str, content: bytes) -> None:
        """Whole or not at all, as object stores write anyway."""
        if "file" in _protocols(self._system):
            target = Path(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as partial:
                partial.write_bytes(content)
        else:
            self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._system.pipe_file(path, content)


def _protocols(system: Any) -> tuple[str, ...]:
    protocol = system.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)
