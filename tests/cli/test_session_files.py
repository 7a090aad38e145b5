from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile as sf

from emolive.session.export import FORMATS
from emolive.session.library import Library
from emolive.session.records import Annotation
from tests.cli.conftest import Run
from tests.session.filled import RATE, fill, segment

SEGMENTS = [
    segment("customer", 0, 4, "angry", 0.8),
    segment("customer", 4, 10, "happy"),
    segment("agent", 0, 10, "not_inferred", 0.0),
]


@pytest.fixture
def session(folder: Path) -> str:
    with Library.open(folder) as library:
        info = fill(
            library, "A call", SEGMENTS, at=datetime(2025, 3, 14, tzinfo=UTC), seconds=10.0,
            audio=True,
        )  # fmt: skip
        library.change_annotations(
            info.id,
            put=[
                Annotation("a", 0, 2 * RATE, "angry", "", "customer", "anna"),
                Annotation("b", 2 * RATE, 8 * RATE, "happy", "", "customer", "anna"),
            ],
        )
        return info.id


def names(folder: Path) -> Sequence[str]:
    return sorted(path.name for path in folder.iterdir())


def test_formats_are_named_after_the_session(run: Run, session: str, tmp_path: Path) -> None:
    result = run("sessions", "export", "last", "--format", "html, eaf,json", "--out", "out")
    assert result.exit_code == 0, result.stderr
    assert names(tmp_path / "out") == [f"{session}.{end}" for end in ("eaf", "html", "json")]
    assert result.stdout.splitlines() == [
        str(Path("out") / f"{session}.{end}") for end in ("html", "eaf", "json")
    ]
    found = json.loads((tmp_path / "out" / f"{session}.json").read_text(encoding="utf-8"))
    assert found["title"] == "A call"
    assert [a["label"] for a in found["annotations"]] == ["angry", "happy"]


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (("--audio",), "wav"),  # ELAN offers no FLAC
        (("--audio-format", "flac"), "flac"),
        (("--audio", "--audio-format", "wav"), "wav"),
    ],
)
def test_the_audio_can_come_along(
    run: Run, session: str, tmp_path: Path, options: tuple[str, ...], kind: str
) -> None:
    result = run("sessions", "export", session, "--format", "eaf", *options, "--out", "out")
    assert result.exit_code == 0, result.stderr
    copies = [f"{session}.1-agent.{kind}", f"{session}.2-customer.{kind}"]
    with Library.open(tmp_path / "library") as library:
        for stream, copy in zip(("agent", "customer"), copies, strict=True):
            path = library.audio_path(session, stream)
            assert path is not None
            kept, copied = (
                sf.read(path, dtype="int16"),
                sf.read(tmp_path / "out" / copy, dtype="int16"),
            )
            np.testing.assert_array_equal(copied[0], kept[0])
            assert copied[1] == kept[1]
            assert sf.info(tmp_path / "out" / copy).format == kind.upper()
    assert names(tmp_path / "out") == [*copies, f"{session}.eaf"]
    root = ElementTree.parse(tmp_path / "out" / f"{session}.eaf").getroot()
    assert [m.get("RELATIVE_MEDIA_URL") for m in root.iter("MEDIA_DESCRIPTOR")] == copies


def test_a_bundle_moves_a_session(run: Run, session: str, tmp_path: Path) -> None:
    bundle = tmp_path / "out" / f"{session}.emolive.zip"
    assert run("sessions", "export", session, "--format", "bundle", "--out", "out").exit_code == 0
    result = run("sessions", "import", bundle, "--library", tmp_path / "there")
    assert result.exit_code == 0, result.stderr
    new = result.stdout.strip()
    assert new != session
    with Library.open(tmp_path / "there") as library:
        assert library.get(new).title == "A call"
        assert [entry.action for entry in library.audit_log()][-1] == "imported"
    again = run("sessions", "import", bundle, "--library", tmp_path / "there")
    assert again.exit_code == 2
    assert f"here already, as {new}" in again.stderr
    (tmp_path / "bad.zip").write_text("no")
    some = run(
        "sessions", "import", tmp_path / "bad.zip", bundle, "--again", "--library",
        tmp_path / "there",
    )  # fmt: skip
    assert some.exit_code == 1
    assert "bad.zip is damaged" in some.stderr
    assert len(some.stdout.splitlines()) == 1


def test_export_and_deletion_in_one_command(
    run: Run, session: str, folder: Path, tmp_path: Path
) -> None:
    refused = run("sessions", "export", session, "--format", "csv", "--delete", "--yes")
    assert refused.exit_code == 2
    assert "add bundle to --format" in refused.stderr
    result = run(
        "sessions", "export", session, "--format", "bundle", "--delete", "--yes", "--out", "out"
    )
    assert result.exit_code == 0, result.stderr
    assert names(tmp_path / "out") == [f"{session}.emolive.zip"]
    with Library.open(folder) as library:
        assert library.sessions() == []
    assert run("sessions", "import", Path("out") / f"{session}.emolive.zip").exit_code == 0


def test_what_people_marked_becomes_a_manifest(run: Run, session: str, tmp_path: Path) -> None:
    result = run(
        "sessions", "export", session, "--format", "manifest", "--out", "out", "--speaker", "anna"
    )
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(Path("out") / "manifest.csv")
    assert "2 stretches" in result.stderr
    assert len(names(tmp_path / "out" / "audio")) == 2


def test_agreement(run: Run, session: str) -> None:
    result = run("sessions", "agreement", session)
    assert result.exit_code == 0, result.stderr
    # 2 s angry and 4 s happy alike, 2 s happy where the model heard anger.
    assert "anna and the model: kappa 0.50, same label 75\u00a0% of 8.0 s" in result.stdout
    report = json.loads(run("sessions", "agreement", session, "--json").stdout)
    (found,) = report["with_model"]
    assert report["between_annotators"] == report["continuous"] == []
    assert found["kappa"] == pytest.approx(0.5)
    assert found["confusion"] == [
        {"human": "angry", "model": "angry", "seconds": 2.0},
        {"human": "happy", "model": "angry", "seconds": 2.0},
        {"human": "happy", "model": "happy", "seconds": 4.0},
    ]


def test_agreement_of_several_annotators(run: Run, session: str, folder: Path) -> None:
    with Library.open(folder) as library:
        ben = [Annotation("c", 0, 8 * RATE, "happy", "", "customer", "ben")]
        library.change_annotations(session, put=ben)
    text = run("sessions", "agreement", session).stdout
    assert "emotion: anna and ben: Cohen's kappa 0.00, same label 75\u00a0% of 8.0 s" in text
    assert "emotion: 2 annotators: Fleiss' kappa −0.14 over the 8.0 s" in text
    (tier,) = json.loads(run("sessions", "agreement", session, "--json").stdout)[
        "between_annotators"
    ]
    # Both label 16 s in all, 14 of them happy: 1 - (2/8) / (1 - (14/16)^2 - (2/16)^2).
    assert tier["krippendorff_alpha"] == pytest.approx(-1 / 7, abs=1e-4)
    assert tier["pairs"][0]["annotators"] == ["anna", "ben"]


def test_tiers_of_a_library(run: Run, session: str) -> None:
    assert "Only the emotions" in run("sessions", "tiers").stdout
    made = run("sessions", "tiers", "engagement", "--labels", "low, high")
    assert made.stdout == "engagement: low, high\n"
    assert json.loads(run("sessions", "tiers", "--json").stdout) == [
        {"name": "engagement", "labels": ["low", "high"]}
    ]
    for arguments, why in (
        (("engagement",), "Add --labels"),
        (("--remove",), "Name the tier"),
        (("x", "--labels", ","), "one to a hundred labels"),
        (("x", "--remove"), "no tier 'x'"),
        (("x", "--remove", "--labels", "a"), "contradict"),
    ):
        result = run("sessions", "tiers", *arguments)
        assert result.exit_code == 2
        assert why in result.stderr
    assert "Only the emotions" in run("sessions", "tiers", "engagement", "--remove").stdout
    assert session


def test_all_formats_at_once(run: Run, session: str, tmp_path: Path) -> None:
    result = run("sessions", "export", session, "--format", "all", "--out", "out")
    assert result.exit_code == 0, result.stderr
    wanted = {f"{session}.{form.extension}" for form in FORMATS.values()}
    assert wanted | {f"{session}.emolive.zip"} <= set(names(tmp_path / "out"))
    assert not (tmp_path / "out" / "manifest.csv").exists()


def test_the_list_is_filtered_and_trends_are_told(run: Run, session: str, folder: Path) -> None:
    with Library.open(folder) as library:
        fill(library, "Later", [segment("customer", 0, 2, "happy")],
             at=datetime(2025, 5, 1, tzinfo=UTC))  # fmt: skip

    def listed(*arguments: str) -> list[str]:
        result = run("sessions", "list", "--json", *arguments)
        assert result.exit_code == 0, result.stderr
        return [one["title"] for one in json.loads(result.stdout)]

    assert listed() == ["Later", "A call"]
    assert listed("--from", "2025-04-01") == ["Later"]
    assert listed("--to", "2025-04-01") == ["A call"]
    assert listed("--mostly", "happy", "later") == ["Later"]
    assert listed("--tag", "x") == []
    assert "Nothing was found" in run("sessions", "list", "--tag", "x").stderr
    points = json.loads(run("sessions", "trends", "--by", "month", "--json").stdout)
    assert [point["sessions"] for point in points] == [1, 1]
    assert points[0]["shares"] == {"happy": 0.6, "angry": 0.4}
    assert "60\u00a0%" in run("sessions", "trends").stdout
    assert run("sessions", "trends", "--by", "year").exit_code == 2
    assert session


def test_wrong_usage_is_one_sentence(run: Run, session: str, tmp_path: Path) -> None:
    for arguments, why in (
        (("export", session, "--format", "docx"), "html, bundle, manifest"),
        (("export", "nobody"), "There is no session 'nobody'"),
        (("import", "none.zip"), "There is no file none.zip"),
    ):
        result = run("sessions", *arguments)
        assert result.exit_code == 2
        assert why in result.stderr
        assert "Traceback" not in result.stderr
    assert not (tmp_path / "emolive-export").exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(run: Run, session: str) -> None:
    Path("file").write_text("in the way")
    result = run("sessions", "export", session, "--out", "file")
    assert result.exit_code == 2
    assert "choose another folder with --out" in result.stderr


def test_one_file_that_fails_loses_nothing_else(
    run: Run, session: str, folder: Path, tmp_path: Path
) -> None:
    with Library.open(folder) as library:
        other = fill(
            library, "Another", SEGMENTS, at=datetime(2025, 3, 15, tzinfo=UTC), seconds=10.0,
            audio=True,
        ).id  # fmt: skip
        (sound,) = (library.audio_path(session, name) for name in ["agent"])
    assert sound is not None
    sound.write_bytes(b"no FLAC")
    blocked = tmp_path / "out" / f"{session}.csv"
    blocked.mkdir(parents=True)
    (blocked / "in the way").touch()
    export = ("sessions", "export", session, other, "--out", "out", "--delete", "--yes")
    result = run(*export, "--format", "csv,json,bundle", "--audio-format", "wav")
    assert result.exit_code == 1
    assert f"{blocked.name} cannot be written" in result.stderr
    assert "is damaged" in result.stderr
    assert f"Session {session} is not deleted" in result.stderr
    assert set(names(tmp_path / "out")) >= {
        blocked.name, f"{session}.2-customer.wav", f"{session}.json", f"{session}.emolive.zip",
        f"{other}.1-agent.wav", f"{other}.2-customer.wav",
        *(f"{other}.{end}" for end in ("csv", "json", "emolive.zip")),
    }  # fmt: skip
    assert not (tmp_path / "out" / f"{session}.1-agent.wav").exists()
    assert str(Path("out") / f"{session}.json") in result.stdout
    assert str(Path("out") / blocked.name) not in result.stdout
    with Library.open(folder) as library:
        assert [info.id for info in library.sessions()] == [session]
        entries = [entry for entry in library.audit_log() if entry.action == "exported"]
    assert [entry.details["formats"] for entry in entries] == [
        ["json", "bundle"], ["csv", "json", "bundle"]
    ]  # fmt: skip
    none = run("sessions", "export", session, "--format", "csv", "--out", "out")
    assert none.exit_code == 2
    assert none.stdout == ""


def test_a_manifest_of_nothing_fails_alone(
    run: Run, session: str, folder: Path, tmp_path: Path
) -> None:
    with Library.open(folder) as library:
        marks = [mark.id for mark in library.annotations(session)]
        library.change_annotations(session, remove=marks)
    result = run("sessions", "export", session, "--format", "json,manifest", "--out", "out")
    assert result.exit_code == 1
    assert names(tmp_path / "out") == [f"{session}.json"]
    assert "No manifest was written." in result.stderr
    alone = run("sessions", "export", session, "--format", "manifest", "--out", "out")
    assert alone.exit_code == 2
