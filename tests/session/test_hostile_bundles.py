"""Bundles that somebody made to break the import."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emolive.errors import SessionError
from emolive.session.bundle import DOCUMENT, export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.export import FORMATS
from emolive.session.library import Library
from emolive.session.search import SearchQuery
from emolive.session.timeline import Timeline
from tests.session.bundles import Change, assert_refused, remade, set_with, stream_with, window_with


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
        *(set_with(**{name: size}) for name in ("hop_samples", "window_samples", "duration_samples",
                                            "rate", "version") for size in (10**30, 2**63, 1e300)),
        *(set_with(started_at=when) for when in ("0001-01-01T00:00:00+14:00", 1e300, -10**12,
                                             "9999-12-31T23:59:59-12:00", "2025-01-01T00+99:99")),
        set_with(notes=[_note(created_at="0001-01-01T00:00:00+14:00")]),
        set_with(notes=[_note(at_sample=2**52)]),
        set_with(notes=[_note(text="x")] * 30_000),
        set_with(alerts=[_alert(at_sample=2**52)]),
        set_with(alerts=[_alert(end_sample=2**60)]),
        set_with(alerts=[_alert(details=_nested(300))]),
        set_with(labels=[str(i) for i in range(5_000)]),
        set_with(tags=_nested(300)),
        window_with(latency_s=1e308),
        window_with(end_sample=2**52),
        window_with(confidence=10**400),
        window_with(label=[[]]),
        window_with(more=1),
        _segment(label="hungry"),
        _segment(label="x" * 900),
        _segment(end_sample=10**30),
        stream_with(windows=[1] * 10),
        stream_with(windows={"item": 1}),
        stream_with(native_rate=10**30),
        stream_with(activity=[{"start_sample": 2**52, "chunk_samples": 2**31 - 1, "speech": "AQ==",
                           "probability": "AAA=", "level_dbfs": "AAA="}]),
    ],
)  # fmt: skip
def test_sizes_that_no_session_has_are_refused(
    other: Library, bundle: Path, change: Change
) -> None:
    assert_refused(other, remade(bundle, change), "not a valid session|newer emolive|too large")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set_with(version=10**30), "made by a newer emolive"),
        (set_with(hop_samples=10**30), r"\(a number in it is too large\)"),
        (set_with(gaps=float("nan")), r"\(it is no JSON\)"),
        (set_with(gaps=-1), r"\(gaps: must be a list\)"),
        (stream_with(windows=[1]), r"not a valid session \("),
        (set_with(streams=[1]), r"\(streams.0: must be a record\)"),
        (set_with(surprise=1), r"\(surprise: is not known\)"),
    ],
)
def test_what_is_wrong_is_said_without_the_parsers_words(
    other: Library, bundle: Path, change: Change, said: str
) -> None:
    with pytest.raises(SessionError, match=said) as caught:
        import_bundle(other, remade(bundle, change))
    assert not re.search(
        r"valid (tuple|dict)|instance|Input should|error|right here", str(caught.value)
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_value_is_refused_or_harmless(
    other: Library, bundle: Path, data: Any, tmp_path: Path
) -> None:
    strange = st.sampled_from(
        [None, True, -1, 0, 2**31, 2**53, 2**63, 10**30, 1e308, -1e308, "", "\0", "\ud800",
         "x" * 5_000, [], {}, [[]], "9999-12-31T23:59:59Z", "1971-01-01T00:00:00Z", "\x1b[2J",
         "hungry", 1e-320]
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
        sentence = str(error)
    else:
        export_bundle(other, info.id, tmp_path / "again.zip")
        timeline = Timeline.of_session(other, info.id)
        for name in ("json", "html", "emotionml", "vtt"):
            FORMATS[name].write(timeline, tmp_path / name)
        other.search(SearchQuery(labels=("sad",)))
        other.delete(info.id)
        sentence = ""
    assert "\n" not in sentence
    assert len(sentence) < 700
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
    with ZipFile(path, "w", ZIP_DEFLATED if packed else ZIP_STORED, compresslevel=1) as archive:
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
