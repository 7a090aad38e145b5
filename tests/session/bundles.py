"""Bundles for tests: a session with something of everything, and changed ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from emolive.errors import SessionError
from emolive.session.bundle import DOCUMENT
from emolive.session.bundle_import import (
    MAX_AUDIO_BYTES,
    MAX_DOCUMENT_BYTES,
    import_bundle,
)
from emolive.session.library import Library
from emolive.session.records import (
    AlertRecord,
    Annotation,
    Gap,
    GapKind,
    Note,
    SessionInfo,
)
from emolive.types import Band
from tests.session.filled import RATE, activity, new_session, segment, window, write_audio

AT = datetime(2025, 3, 14, 9, 26, 53, 589_793, tzinfo=UTC)
Change = Callable[[dict[str, Any]], None]


def full(library: Library, *, audio: bool = True) -> SessionInfo:
    """A session with something of everything."""
    writer = library.create(new_session("Ärger mit „4711“", AT), audio=audio)
    if audio:
        write_audio(writer, 10.0)
    writer.add_windows(
        window("customer", end * RATE, label)
        for end, label in ((3, "happy"), (4, None), (5, "sad"))
    )
    writer.add_windows([window("agent", 3 * RATE, None)])
    writer.add_segments(
        [segment("customer", 0, 4.00006, "happy"), segment("customer", 4.00006, 10, "sad")]
    )
    writer.add_activity("customer", activity(0, [True, False, True]))
    writer.add_activity("customer", activity(1536, [True]))
    writer.set_bands({"customer": Band.NARROW})
    writer.add_gap(Gap(100, 900, GapKind.DISK, "agent"))
    writer.add_alert(
        AlertRecord(
            "anger", 5 * RATE, "angry", "critical", 6 * RATE, "customer", {"p": [0.5, None]}
        )
    )
    writer.add_note(Note("first\nnote", 4_711, created_at=AT))
    writer.add_annotations([
        Annotation("a", 1, 2, "very happy", "why?", "customer", "anna"),
        Annotation("b", 5, 90_000, None, "all of it", None, ""),
    ])  # fmt: skip
    info = writer.finish(10 * RATE)
    library.add_tag(info.id, "billing")
    return library.get(info.id)


def remade(bundle: Path, change: Change | None = None, **members: bytes | None) -> Path:
    """The bundle with another document, and other members (None: left out)."""
    path = bundle.with_name("changed.zip")
    given_ = {
        name.replace("__", "/").replace("_flac", ".flac"): data for name, data in members.items()
    }
    with ZipFile(bundle) as old, ZipFile(path, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            content: bytes | None = old.read(name)
            if name in given_:
                content = given_.pop(name)
            elif name == DOCUMENT and change is not None:
                document = json.loads(content or b"")
                change(document)
                content = json.dumps(document).encode()
            if content is not None:
                new.writestr(name, content)
        for name, content in given_.items():
            new.writestr(name, content or b"")
    return path


def assert_refused(
    library: Library,
    path: Path,
    why: str,
    *,
    max_audio_bytes: int = MAX_AUDIO_BYTES,
    max_document_bytes: int = MAX_DOCUMENT_BYTES,
) -> None:
    """It is refused in one sentence, and nothing of it is left."""
    with pytest.raises(SessionError, match=why) as caught:
        import_bundle(
            library, path, max_audio_bytes=max_audio_bytes, max_document_bytes=max_document_bytes
        )
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert library.sessions() == []
    assert list((library.folder / "sessions").iterdir()) == []
    assert {p.name for p in library.folder.parent.iterdir()} <= {
        "library", "other", "call.emolive.zip", "changed.zip", "evil.zip", "text.zip"
    }  # fmt: skip


def set_with(**values: Any) -> Change:
    return lambda document: document.update(values)


def stream_with(**values: Any) -> Change:
    return lambda document: document["streams"][1].update(values)


def window_with(**values: Any) -> Change:
    return lambda document: document["streams"][1]["windows"][0].update(values)
