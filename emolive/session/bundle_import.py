"""Bringing a session's bundle into a library, whoever made it.

Nothing in the bundle decides where anything is written: names of files come from the library. The
document is checked before anything is made, audio while it is copied; what fails leaves nothing.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

import soundfile as sf

from emolive.errors import SessionError
from emolive.i18n import decimal, tr
from emolive.private_files import owner_only
from emolive.session.bundle import CHUNK_BYTES, DOCUMENT
from emolive.session.bundle_document import (
    SESSION_FACTS,
    AudioEntry,
    BundleDocument,
    SegmentEntry,
    StreamEntry,
    WindowEntry,
    activity_of,
    trace_of,
    window_of,
)
from emolive.session.bundle_reading import read_document, read_rows
from emolive.session.library import Library
from emolive.session.records import AlertRecord, Annotation, Gap, Note, SessionInfo, StreamInfo
from emolive.session.writer import SessionWriter
from emolive.types import Segment

# Days of audio; a document is some megabytes per hour.
MAX_AUDIO_BYTES = 32 * 1024**3
MAX_DOCUMENT_BYTES = 256 * 1024**2
# A session of digital silence comes to a fortieth of its size.
_MOST_PACKED = 100
_SMALL_BYTES = 1 << 20
# RuntimeError: how zipfile reports an encrypted entry.
_DAMAGED = (BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError)
_ROWS_A_COMMIT = 10_000


def import_bundle(
    library: Library,
    path: Path,
    *,
    again: bool = False,
    max_audio_bytes: int = MAX_AUDIO_BYTES,
    max_document_bytes: int = MAX_DOCUMENT_BYTES,
) -> SessionInfo:
    """Import the session in the bundle at `path`, under an id of its own.

    `again`: even if the library has the same session already. More audio than `max_audio_bytes` and
    a larger document (unpacked) than `max_document_bytes` are refused.

    Raises:
        SessionError: the file is no bundle, damaged, too large, or its session is here already; or
            the library cannot be written.
    """
    if path.is_dir():
        raise SessionError("{path} is a folder: name a file inside it.", path=path)
    try:
        with ZipFile(path) as archive:
            open_document = _document_file(archive, path.name, max_document_bytes)
            document = read_document(open_document, path.name, max_document_bytes)
            _check_members(archive, document, path.name, max_audio_bytes)
            if not again:
                _check_new(library, document)
            return _Import(
                library, archive, document, open_document, path.name, max_document_bytes
            ).run()
    except FileNotFoundError as error:
        raise SessionError("There is no file {path}.", path=path) from error
    except _DAMAGED as error:
        raise SessionError(
            "{name} is damaged, or no session exported by emolive ({error}): export it again.",
            name=path.name,
            error=error,
        ) from error
    except OSError as error:
        raise SessionError(
            "{name} cannot be imported ({reason}): free some space, or choose another "
            "library with --library DIR.",
            name=path.name,
            reason=error.strerror or error,
        ) from error


def _document_file(archive: ZipFile, name: str, max_bytes: int) -> Callable[[], IO[bytes]]:
    """What opens the document.

    Raises:
        SessionError: there is none, or it is far larger than one can be.
    """
    for entry in archive.infolist():
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise BadZipFile(f"{entry.filename[:80]!r} is packed in an unusual way")
    try:
        entry = archive.getinfo(DOCUMENT)
    except KeyError as error:
        raise SessionError(
            "{name} is no session exported by emolive: make one with `emolive sessions "
            "export ID --format bundle`.",
            name=name,
        ) from error
    ratio = entry.file_size / max(1, entry.compress_size)
    if entry.file_size > max_bytes or (entry.file_size > _SMALL_BYTES and ratio > _MOST_PACKED):
        raise SessionError(
            "{name} is too large: its timeline unpacks to {file_size} bytes, {ratio} "
            "times its size.",
            name=name,
            file_size=entry.file_size,
            ratio=decimal(ratio, 0),
        )
    return lambda: archive.open(entry)


def _check_members(
    archive: ZipFile, document: BundleDocument, name: str, max_audio_bytes: int
) -> None:
    """There must be what the document names, and nothing else.

    Raises:
        SessionError: there is more, less, or too much.
    """
    audio = {s.audio.file: s.audio for s in document.streams if s.audio is not None}
    there = [entry.filename for entry in archive.infolist()]
    if sorted(there) != sorted([DOCUMENT, *audio]):
        odd = sorted(set(there) ^ {DOCUMENT, *audio}) or ["the same name twice"]
        raise SessionError(
            "{name} does not hold what it says ({odd}): export the session again.",
            name=name,
            odd=repr(odd[0][:80]),
        )
    total = sum(entry.size for entry in audio.values())
    if total > max_audio_bytes:
        raise SessionError(
            "{name} is too large: it holds {total} bytes of audio, {max_audio_bytes} are allowed.",
            name=name,
            total=total,
            max_audio_bytes=max_audio_bytes,
        )


def _check_new(library: Library, document: BundleDocument) -> None:
    """Raises SessionError when the session is in the library: begun at the same microsecond."""
    for info in library.sessions():
        if (info.started_at, info.source, info.model, info.duration_samples) == (
            document.started_at,
            document.source,
            document.model,
            document.duration_samples,
        ):
            raise SessionError(
                "This session is here already, as {id}: delete that one first, or use "
                "--again on the command line to have it twice.",
                id=info.id,
            )


class _Import:
    """One session on its way into the library."""

    def __init__(
        self,
        library: Library,
        archive: ZipFile,
        document: BundleDocument,
        open_document: Callable[[], IO[bytes]],
        name: str,
        max_document_bytes: int,
    ) -> None:
        self._library = library
        self._archive = archive
        self._document = document
        self._open_document = open_document
        self._max_document_bytes = max_document_bytes
        self._name = name

    def run(self) -> SessionInfo:
        """Make the session; what fails is removed again."""
        document = self._document
        audio = any(stream.audio is not None for stream in document.streams)
        writer = self._library.create(_new_session(document), audio=audio)
        try:
            for stream in document.streams:
                if stream.audio is not None:
                    self._copy_audio(stream, stream.audio, writer)
            self._add_rows(writer)
            self._add_marks(writer)
            return writer.finish(document.duration_samples)
        except BaseException as error:
            writer.abandon()
            with suppress(SessionError):
                self._library.delete(writer.info.id, reason="its import failed")
            if isinstance(error, ValueError | OverflowError):
                raise SessionError(
                    "{name} is not a valid session ({error}): export it again.",
                    name=self._name,
                    error=error,
                ) from error
            raise

    def _copy_audio(self, stream: StreamEntry, audio: AudioEntry, writer: SessionWriter) -> None:
        target = writer.audio_path(stream.name)
        assert target is not None
        digest = hashlib.sha256()
        left = audio.size
        with (
            self._archive.open(audio.file) as source,
            open(target, "xb", opener=owner_only) as file,
        ):
            # Not a byte more than announced is ever written.
            while chunk := source.read(min(CHUNK_BYTES, left + 1)):
                left -= len(chunk)
                if left < 0:
                    break
                digest.update(chunk)
                file.write(chunk)
        if left != 0 or digest.hexdigest() != audio.sha256:
            raise ValueError(tr("{file} is damaged", file=audio.file))
        try:
            with sf.SoundFile(target) as sound:
                found = (sound.format, sound.channels, sound.samplerate)
        except sf.LibsndfileError as error:
            raise ValueError(tr("{file} is no audio", file=audio.file)) from error
        if found != ("FLAC", 1, stream.native_rate):
            raise ValueError(
                tr("{file} is not mono FLAC at {rate} Hz", file=audio.file, rate=stream.native_rate)
            )

    def _add_rows(self, writer: SessionWriter) -> None:
        names = [stream.name for stream in self._document.streams]
        rows = read_rows(self._open_document, self._name, self._max_document_bytes)
        for count, (number, row) in enumerate(rows, 1):
            name = names[number]
            if isinstance(row, WindowEntry):
                writer.add_windows([window_of(row, name)])
            elif isinstance(row, SegmentEntry):
                segment = Segment(name, row.start_sample, row.end_sample, row.label, row.confidence)
                writer.add_segments([segment])
            else:
                writer.add_activity(name, activity_of(row))
            if count % _ROWS_A_COMMIT == 0:
                writer.commit(self._document.duration_samples)
        writer.commit(self._document.duration_samples)

    def _add_marks(self, writer: SessionWriter) -> None:
        document = self._document
        for gap in document.gaps:
            writer.add_gap(Gap(gap.start_sample, gap.end_sample, gap.kind, gap.stream))
        for alert in document.alerts:
            writer.add_alert(AlertRecord(**alert.model_dump()))
        for note in document.notes:
            writer.add_note(Note(note.text, note.at_sample, created_at=note.created_at))
        writer.add_annotations(
            Annotation(id=secrets.token_hex(8), **one.model_dump()) for one in document.annotations
        )
        writer.add_traces(map(trace_of, document.traces))


def _new_session(document: BundleDocument) -> SessionInfo:
    facts = {name: getattr(document, name) for name in SESSION_FACTS if name != "id"}
    streams = (
        StreamInfo(s.name, s.native_rate, s.role, s.emotion, s.band) for s in document.streams
    )
    return SessionInfo(streams=tuple(streams), **facts)
