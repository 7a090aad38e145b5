from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emolive.errors import SessionError
from emolive.session.bundle import DOCUMENT, export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.library import Library
from emolive.session.records import (
    SessionInfo,
    SessionState,
)
from tests.session.bundles import (
    Change,
    assert_refused,
    full,
    remade,
    set_with,
    stream_with,
    window_with,
)
from tests.session.filled import RATE, new_session


def contents(library: Library, info: SessionInfo) -> dict[str, Any]:
    """Everything about a session but its id and those of its parts."""
    fields = {name: getattr(info, name) for name in SessionInfo.__slots__ if name != "id"}
    annotations = [
        (a.start_sample, a.end_sample, a.label, a.comment, a.stream, a.annotator)
        for a in library.annotations(info.id)
    ]
    return fields | {
        "windows": [
            (w.stream, w.start_sample, w.end_sample, w.state, w.label, w.confidence,
             w.speech_ratio, w.latency_s,
             None if w.probabilities is None else w.probabilities.tolist())
            for w in library.windows(info.id)
        ],
        "segments": library.segments(info.id),
        "activity": [
            (s.name, a.start_sample, a.chunk_samples, a.speech.tolist(), a.probability.tolist(),
             a.level_dbfs.tolist())
            for s in info.streams for a in library.activity(info.id, s.name)
        ],
        "gaps": library.gaps(info.id),
        "alerts": [(a.rule, a.at_sample, a.message, a.severity, a.end_sample, a.stream,
                    dict(a.details)) for a in library.alerts(info.id)],
        "notes": [(n.text, n.at_sample, n.created_at) for n in library.notes(info.id)],
        "annotations": annotations,
    }  # fmt: skip


def test_everything_arrives(library: Library, other: Library, bundle: Path) -> None:
    before = library.get("last")
    after = import_bundle(other, bundle)
    assert after.id != before.id
    assert after.state is SessionState.COMPLETE
    assert contents(other, other.get(after.id)) == contents(library, before)
    assert {a.id for a in other.annotations(after.id)}.isdisjoint({"a", "b"})
    for stream in before.streams:
        was, now = (
            library.audio_path(before.id, stream.name),
            other.audio_path(after.id, stream.name),
        )
        assert was is not None
        assert now is not None
        np.testing.assert_array_equal(sf.read(was)[0], sf.read(now)[0])


def test_a_bundle_of_a_bundle_is_the_same(other: Library, bundle: Path, tmp_path: Path) -> None:
    info = import_bundle(other, bundle)
    export_bundle(other, info.id, tmp_path / "again.zip")
    with ZipFile(bundle) as one, ZipFile(tmp_path / "again.zip") as two:
        first, second = json.loads(one.read(DOCUMENT)), json.loads(two.read(DOCUMENT))
        assert {**first, "id": ""} == {**second, "id": ""}
        assert one.read("audio/1.flac") == two.read("audio/1.flac")


def test_a_timeline_without_audio(library: Library, other: Library, tmp_path: Path) -> None:
    info = full(library, audio=False)
    export_bundle(library, info.id, tmp_path / "a.zip")
    after = import_bundle(other, tmp_path / "a.zip")
    assert not after.has_audio
    assert contents(other, other.get(after.id)) == contents(library, info)


def test_the_same_session_is_not_imported_twice(other: Library, bundle: Path) -> None:
    first = import_bundle(other, bundle)
    with pytest.raises(SessionError, match=rf"here already, as {first.id}: delete"):
        import_bundle(other, bundle)
    assert len(other.sessions()) == 1
    second = import_bundle(other, bundle, again=True)
    assert second.id != first.id
    assert contents(other, other.get(second.id)) == contents(other, other.get(first.id))


def test_where_it_came_from_counts_as_here(library: Library, bundle: Path) -> None:
    with pytest.raises(SessionError, match="here already"):
        import_bundle(library, bundle)


def test_what_is_being_recorded_is_not_exported(library: Library, tmp_path: Path) -> None:
    writer = library.create(new_session(), audio=False)
    with pytest.raises(SessionError, match="being recorded"):
        export_bundle(library, writer.info.id, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
    writer.finish(RATE)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (set_with(version=2), "newer emolive"),
        (set_with(format="other"), r"not a valid session \(format"),
        (set_with(rate=0), "rate"),
        (set_with(labels=["a", "a"]), "distinct"),
        (set_with(started_at="2025-01-01T00:00:00"), "time zone"),
        (set_with(streams=[]), "streams"),
        (set_with(surprise=1), "surprise"),
        (set_with(tags=["x" * 2_000]), "tags"),
        (set_with(duration_samples=-1), "duration_samples"),
        (set_with(annotations=[{"start_sample": 5, "end_sample": 5, "label": None, "comment": "",
                            "stream": None, "annotator": ""}]), "no stretch"),
        (stream_with(name="agent"), "distinct"),
        (stream_with(native_rate=44_100), "not mono FLAC at 44100"),
        (stream_with(role="boss"), "role"),
        (window_with(start_sample=99, end_sample=1), "must not be after"),
        (window_with(probabilities=[0.5, 0.5]), "one probability per label"),
        (window_with(probabilities=[2.0, 0, 0, 0]), "less than or equal"),
        (window_with(label="hungry"), "not among the labels"),
        (stream_with(activity=[{"start_sample": 0, "chunk_samples": 512, "speech": "AQ==",
                            "probability": "", "level_dbfs": ""}]), "unequal"),
        (stream_with(activity=[{"start_sample": 0, "chunk_samples": 512, "speech": "§",
                            "probability": "", "level_dbfs": ""}]), "not a valid session"),
    ],
)  # fmt: skip
def test_a_document_that_contradicts_itself_is_refused(
    other: Library, bundle: Path, change: Change, why: str
) -> None:
    assert_refused(other, remade(bundle, change), why)


@pytest.mark.parametrize(
    "name",
    ["../evil.flac", "/tmp/evil.flac", "audio/../../evil.flac", "C:\\evil.flac", "audio/1.flac/x"],
)
def test_names_that_lead_out_are_refused(other: Library, bundle: Path, name: str) -> None:
    def change(document: dict[str, Any]) -> None:
        document["streams"][0]["audio"]["file"] = name

    assert_refused(other, remade(bundle, change), r"streams\.0\.audio\.file")


def test_more_than_it_says_is_refused(other: Library, bundle: Path) -> None:
    assert_refused(other, remade(bundle, extra__x=b"x"), "does not hold what it says")
    path = remade(bundle)
    with ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("audio/1.flac", b"another")
    assert_refused(other, path, "does not hold what it says")


def test_less_than_it_says_is_refused(other: Library, bundle: Path) -> None:
    assert_refused(other, remade(bundle, audio__2_flac=None), "does not hold what it says")


def test_damaged_audio_is_refused(other: Library, bundle: Path) -> None:
    with ZipFile(bundle) as archive:
        whole = archive.read("audio/2.flac")
    flipped = whole[:5_000] + bytes([whole[5_000] ^ 1]) + whole[5_001:]
    assert_refused(other, remade(bundle, audio__2_flac=flipped), "audio/2.flac is damaged")
    assert_refused(other, remade(bundle, audio__2_flac=whole[:-1]), "audio/2.flac is damaged")
    assert_refused(other, remade(bundle, audio__2_flac=whole + b"x"), "audio/2.flac is damaged")


def test_what_is_no_audio_is_refused(other: Library, bundle: Path) -> None:
    text = b"not audio at all"

    def change(document: dict[str, Any]) -> None:
        digest = hashlib.sha256(text).hexdigest()
        document["streams"][1]["audio"].update(sha256=digest, size=len(text))

    assert_refused(other, remade(bundle, change, audio__2_flac=text), "is no audio")


def test_too_much_is_refused_before_it_is_unpacked(other: Library, bundle: Path) -> None:
    assert_refused(other, bundle, "too large: it holds", max_audio_bytes=1_000)
    assert_refused(other, bundle, "too large: its timeline", max_document_bytes=100)


def test_a_bomb_is_cut_off_at_what_was_announced(other: Library, bundle: Path) -> None:
    # Sixteen megabytes of zeros, packed into kilobytes, where ten bytes were announced.
    def change(document: dict[str, Any]) -> None:
        document["streams"][0]["audio"]["size"] = 10

    path = remade(bundle, change, audio__1_flac=bytes(1 << 24))
    assert_refused(other, path, "audio/1.flac is damaged", max_audio_bytes=10_000_000)


def test_what_is_no_bundle_is_refused(other: Library, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("just a text")
    assert_refused(other, tmp_path / "text.zip", "damaged, or no session")
    with ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(ZipInfo("readme.txt"), "hello")
    assert_refused(other, tmp_path / "evil.zip", "no session exported by emolive")
    assert_refused(other, tmp_path / "none.zip", "There is no file")


def test_a_file_that_was_cut_off_is_refused(other: Library, bundle: Path) -> None:
    whole = bundle.read_bytes()
    for length in (10, len(whole) // 2, len(whole) - 1):
        bundle.write_bytes(whole[:length])
        assert_refused(other, bundle, "damaged, or no session")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_byte_is_refused_or_harmless(other: Library, bundle: Path, data: Any) -> None:
    whole = bytearray(bundle.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path = bundle.with_name("changed.zip")
    path.write_bytes(whole)
    try:
        info = import_bundle(other, path, again=True)
    except SessionError:
        assert other.sessions() == []
    else:
        assert len(other.windows(info.id)) == 4
        other.delete(info.id)
    assert list((other.folder / "sessions").iterdir()) == []
