"""A session as one file that another machine can import.

The bundle is a ZIP archive: `session.json` (see `bundle_document`), and `audio/1.flac` and so on
for the streams whose audio is kept.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from emolive.errors import SessionError
from emolive.session.bundle_document import (
    SESSION_FACTS,
    AlertEntry,
    AnnotationEntry,
    AudioEntry,
    BundleDocument,
    GapEntry,
    NoteEntry,
    StreamEntry,
    activity_entry,
    segment_entry,
    trace_entry,
    window_entry,
)
from emolive.session.export.atomic import replacing
from emolive.session.library_reader import LibraryReader
from emolive.session.records import SessionInfo, SessionState, StreamInfo

DOCUMENT = "session.json"
EXTENSION = "emolive.zip"
CHUNK_BYTES = 1 << 20


def export_bundle(library: LibraryReader, session: str, path: Path) -> None:
    """Write everything about a session into one file; it appears whole or not at all.

    Raises:
        SessionError: there is no such session, or it is still being recorded.
        OSError: the file cannot be written, or the audio cannot be read.
    """
    info = library.get(session)
    if info.state is not SessionState.COMPLETE:
        raise SessionError("Session {id} is being recorded: stop the recording first.", id=info.id)
    with replacing(path) as partial, ZipFile(partial, "w") as archive:
        # Audio first: its checksums, taken on the way, belong into the document.
        streams = [
            _stream_entry(library, info, stream, number, archive)
            for number, stream in enumerate(info.streams, 1)
        ]
        document = BundleDocument(
            **{name: getattr(info, name) for name in SESSION_FACTS},
            streams=tuple(streams),
            gaps=tuple(map(GapEntry.model_validate, library.gaps(info.id))),
            annotations=tuple(map(AnnotationEntry.model_validate, library.annotations(info.id))),
            alerts=tuple(map(AlertEntry.model_validate, library.alerts(info.id))),
            notes=tuple(map(NoteEntry.model_validate, library.notes(info.id))),
            traces=tuple(map(trace_entry, library.traces(info.id))),
        )
        archive.writestr(DOCUMENT, document.model_dump_json(), ZIP_DEFLATED)


def _stream_entry(
    library: LibraryReader, info: SessionInfo, stream: StreamInfo, number: int, archive: ZipFile
) -> StreamEntry:
    source = library.audio_path(info.id, stream.name)
    return StreamEntry(
        name=stream.name,
        native_rate=stream.native_rate,
        role=stream.role,
        emotion=stream.emotion,
        band=stream.band,
        audio=None if source is None else _add_audio(source, f"audio/{number}.flac", archive),
        windows=tuple(map(window_entry, library.windows(info.id, stream.name))),
        segments=tuple(map(segment_entry, library.segments(info.id, stream.name))),
        activity=tuple(map(activity_entry, library.activity(info.id, stream.name))),
    )


def _add_audio(source: Path, name: str, archive: ZipFile) -> AudioEntry:
    """Copy a file into the archive, as it is: FLAC does not get smaller."""
    entry = ZipInfo.from_file(source, name, strict_timestamps=False)
    entry.compress_type = ZIP_STORED
    digest = hashlib.sha256()
    size = 0
    with source.open("rb") as file, archive.open(entry, "w", force_zip64=True) as target:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
    return AudioEntry(file=name, sha256=digest.hexdigest(), size=size)
