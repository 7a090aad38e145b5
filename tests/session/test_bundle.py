from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emolive.errors import SessionError
from emolive.session.bundle import DOCUMENT, export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.export import FORMATS
from emolive.session.library import Library
from emolive.session.records import (
    AlertRecord,
    Annotation,
    Gap,
    GapKind,
    Note,
    SessionInfo,
    SessionState,
)
from emolive.session.search import SearchQuery
from emolive.session.timeline import Timeline
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


@pytest.fixture
def other(tmp_path: Path) -> Any:
    with Library.open(tmp_path / "other") as library:
        yield library


@pytest.fixture
def bundle(library: Library, tmp_path: Path) -> Path:
    path = tmp_path / "call.emolive.zip"
    export_bundle(library, full(library).id, path)
    return path


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


def assert_refused(library: Library, path: Path, why: str, **limits: int) -> None:
    """It is refused in one sentence, and nothing of it is left."""
    with pytest.raises(SessionError, match=why) as caught:
        import_bundle(library, path, **limits)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert library.sessions() == []
    assert list((library.folder / "sessions").iterdir()) == []
    assert {p.name for p in library.folder.parent.iterdir()} <= {
        "library", "other", "call.emolive.zip", "changed.zip", "evil.zip", "text.zip"
    }  # fmt: skip


def _set(**values: Any) -> Change:
    return lambda document: document.update(values)


def _stream(**values: Any) -> Change:
    return lambda document: document["streams"][1].update(values)


def _window(**values: Any) -> Change:
    return lambda document: document["streams"][1]["windows"][0].update(values)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_set(version=2), "newer emolive"),
        (_set(format="other"), r"not a valid session \(format"),
        (_set(rate=0), "rate"),
        (_set(labels=["a", "a"]), "distinct"),
        (_set(started_at="2025-01-01T00:00:00"), "time zone"),
        (_set(streams=[]), "streams"),
        (_set(surprise=1), "surprise"),
        (_set(tags=["x" * 2_000]), "tags"),
        (_set(duration_samples=-1), "duration_samples"),
        (_set(annotations=[{"start_sample": 5, "end_sample": 5, "label": None, "comment": "",
                            "stream": None, "annotator": ""}]), "no stretch"),
        (_stream(name="agent"), "distinct"),
        (_stream(native_rate=44_100), "not mono FLAC at 44100"),
        (_stream(role="boss"), "role"),
        (_window(start_sample=99, end_sample=1), "must not be after"),
        (_window(probabilities=[0.5, 0.5]), "one probability per label"),
        (_window(probabilities=[2.0, 0, 0, 0]), "less than or equal"),
        (_window(label="hungry"), "not among the labels"),
        (_stream(activity=[{"start_sample": 0, "chunk_samples": 512, "speech": "AQ==",
                            "probability": "", "level_dbfs": ""}]), "unequal"),
        (_stream(activity=[{"start_sample": 0, "chunk_samples": 512, "speech": "§",
                            "probability": "", "level_dbfs": ""}]), "not a valid session"),
    ],
)  # fmt: skip
def test_a_document_that_contradicts_itself_is_refused(
    other: Library, bundle: Path, change: Change, why: str
) -> None:
    assert_refused(other, remade(bundle, change), why)


def _segment(**values: Any) -> Change:
    return lambda document: document["streams"][1]["segments"][0].update(values)


def _note(**values: Any) -> dict[str, Any]:
    return {"text": "x", "at_sample": None, "created_at": None} | values


def _nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(depth):
        inner = {"a": inner}
    return inner


def _alert(**values: Any) -> dict[str, Any]:
    return {
        "rule": "x", "at_sample": 0, "message": "x", "severity": "info", "end_sample": None,
        "stream": None, "details": {},
    } | values  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        *(_set(**{name: size}) for name in ("hop_samples", "window_samples", "duration_samples",
                                            "rate", "version") for size in (10**30, 2**63, 1e300)),
        *(_set(started_at=when) for when in ("0001-01-01T00:00:00+14:00", 1e300, -10**12,
                                             "9999-12-31T23:59:59-12:00", "2025-01-01T00:00+99:99")),
        _set(notes=[_note(created_at="0001-01-01T00:00:00+14:00")]),
        _set(notes=[_note(at_sample=2**52)]),
        _set(notes=[_note(text="x")] * 30_000),
        _set(alerts=[_alert(at_sample=2**52)]),
        _set(alerts=[_alert(end_sample=2**60)]),
        _set(alerts=[_alert(details=_nested(300))]),
        _set(labels=[str(i) for i in range(5_000)]),
        _set(tags=_nested(300)),
        _window(latency_s=1e308),
        _window(end_sample=2**52),
        _window(confidence=10**400),
        _window(label=[[]]),
        _window(more=1),
        _segment(label="hungry"),
        _segment(label="x" * 900),
        _segment(end_sample=10**30),
        _stream(windows=[1] * 10),
        _stream(windows={"item": 1}),
        _stream(native_rate=10**30),
        _stream(activity=[{"start_sample": 2**52, "chunk_samples": 2**31 - 1, "speech": "AQ==",
                           "probability": "AAA=", "level_dbfs": "AAA="}]),
    ],
)  # fmt: skip
def test_sizes_that_no_session_has_are_refused(
    other: Library, bundle: Path, change: Change
) -> None:
    assert_refused(other, remade(bundle, change), "not a valid session|newer emolive|too large")


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_changed_value_is_refused_or_harmless(
    other: Library, bundle: Path, data: Any, tmp_path: Path
) -> None:
    strange = st.sampled_from(
        [None, True, -1, 0, 2**31, 2**53, 2**63, 10**30, 1e308, -1e308, "", "\0", "\ud800", "x" * 5_000,
         [], {}, [[]], "9999-12-31T23:59:59Z", "1971-01-01T00:00:00Z", "\x1b[2J", "hungry", 1e-320]
    )  # fmt: skip

    def change(document: dict[str, Any]) -> None:
        here: Any = document
        while True:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            key = data.draw(st.sampled_from(keys))
            inner = here[key]
            if not isinstance(inner, dict | list) or not inner or data.draw(st.integers(0, 3)) == 0:
                here[key] = data.draw(strange)
                return
            here = inner

    try:
        info = import_bundle(other, remade(bundle, change), again=True)
    except SessionError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 700
    else:
        export_bundle(other, info.id, tmp_path / "again.zip")
        timeline = Timeline.of_session(other, info.id)
        for name in ("json", "html", "emotionml", "vtt"):
            FORMATS[name].write(timeline, tmp_path / name)
        other.search(SearchQuery(labels=("sad",)))
        other.delete(info.id)
    assert list((other.folder / "sessions").iterdir()) == []


BOMBS = {
    "rows": lambda row: b'{"streams": [{"windows": [' + row * 200_000 + b"1]}]}",
    "text": lambda _: b'{"title": "' + b"x" * 200_000_000 + b'"}',
    "space": lambda _: b" " * 300_000_000,
    "number": lambda _: b'{"rate": ' + b"9" * 100_000_000 + b"}",
    "names": lambda _: b'{"tags": [' + b'"abc",' * 20_000_000 + b'"x"]}',
    "depth": lambda _: b'{"tags": ' + b"[" * 50_000_000,
}


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is asked for as on Linux")
@pytest.mark.parametrize("kind", BOMBS)
@pytest.mark.parametrize("packed", [True, False])
def test_a_bomb_costs_no_memory(tmp_path: Path, bundle: Path, kind: str, packed: bool) -> None:
    with ZipFile(bundle) as archive:
        document = json.loads(archive.read(DOCUMENT))
    row = json.dumps(document["streams"][1]["windows"][0]).encode() + b","
    path = tmp_path / "bomb.zip"
    with ZipFile(path, "w", ZIP_DEFLATED if packed else ZIP_STORED) as archive:
        archive.writestr(DOCUMENT, BOMBS[kind](row))
    code = (
        "import sys; from pathlib import Path\n"
        "from emolive.errors import SessionError\n"
        "from emolive.session.bundle_import import import_bundle\n"
        "from emolive.session.library import Library\n"
        "with Library.open(Path(sys.argv[1])) as library:\n"
        "  try: import_bundle(library, Path(sys.argv[2]))\n"
        "  except SessionError as error: print(error)\n"
        "status = Path('/proc/self/status').read_text()\n"
        "print(status.split('VmHWM:')[1].split()[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "fresh", path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    sentence, peak = done.stdout.splitlines()
    assert "bomb.zip" in sentence
    assert int(peak) < 300_000
    path.unlink()


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


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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
