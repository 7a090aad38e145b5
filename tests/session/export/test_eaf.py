from __future__ import annotations

from pathlib import Path

import pympi
import pytest
from hypothesis import given
from lxml import etree

from emolive.session.export.eaf import write_eaf
from emolive.session.export.tiers import tiers
from emolive.session.export.values import plain_text
from emolive.session.timeline import Timeline
from tests.session.export.reading import valid, written
from tests.session.export.timelines import EMPTY, RATE, full, recording, timelines

MS = RATE // 1000


def test_elan_finds_tiers_people_and_media(tmp_path: Path) -> None:
    write_eaf(full(tmp_path), tmp_path / "call.eaf")
    valid(tmp_path / "call.eaf", "eaf.xsd")
    eaf = pympi.Eaf(tmp_path / "call.eaf")
    assert list(eaf.get_tier_names()) == [tier.name for tier in tiers(full())]
    assert eaf.get_annotation_data_for_tier("customer model") == [
        (0, 1750, "happy"),
        (1750, 2250, "silence"),
        (2250, 3750, "angry"),
        (3750, 4250, "uncertain"),
        (4250, 5000, "sad"),
    ]
    assert eaf.get_annotation_data_for_tier("comments") == [
        (2500, 5000, 'she said "no"\nand hung up')
    ]
    about = eaf.get_parameters_for_tier("customer human (anna)")
    assert (about["PARTICIPANT"], about["ANNOTATOR"]) == ("customer", "anna")
    media = eaf.get_linked_files()
    assert [one["RELATIVE_MEDIA_URL"] for one in media] == ["1-agent.flac", "2-customer.flac"]
    assert [one["MEDIA_URL"] for one in media] == [
        (tmp_path / name).as_uri() for name in ("1-agent.flac", "2-customer.flac")
    ]


def test_a_wav_file_is_named_as_elan_names_it(tmp_path: Path) -> None:
    write_eaf(recording(tmp_path / "a b.wav"), tmp_path / "a.eaf")
    (media,) = pympi.Eaf(tmp_path / "a.eaf").get_linked_files()
    assert media["MIME_TYPE"] == "audio/x-wav"
    assert media["MEDIA_URL"].endswith("/a%20b.wav")


def test_a_stretch_below_a_millisecond_lasts_one(tmp_path: Path) -> None:
    pieces = ((0, 3, "happy"), (3, 5, "sad"), (5, 32_000, "angry"))
    write_eaf(recording(Path("a.wav"), pieces), tmp_path / "a.eaf")
    valid(tmp_path / "a.eaf", "eaf.xsd")
    found = pympi.Eaf(tmp_path / "a.eaf").get_annotation_data_for_tier("mono model")
    assert found == [(0, 1, "happy"), (1, 2, "sad"), (2, 2000, "angry")]


def test_an_empty_session_is_a_document(tmp_path: Path) -> None:
    write_eaf(EMPTY, tmp_path / "a.eaf")
    root = valid(tmp_path / "a.eaf", "eaf.xsd")
    assert [tier.get("TIER_ID") for tier in root.iter("TIER")] == ["mono model"]


def test_the_schema_refuses_what_elan_would(tmp_path: Path) -> None:
    write_eaf(full(), tmp_path / "a.eaf")
    whole = (tmp_path / "a.eaf").read_text(encoding="utf-8")
    for right, wrong in (
        ('TIME_SLOT_REF1="ts1"', 'TIME_SLOT_REF1="ts999"'),
        ('LINGUISTIC_TYPE_REF="model"', 'LINGUISTIC_TYPE_REF="none"'),
        ('TIME_VALUE="0"', 'TIME_VALUE="0.5"'),
    ):
        assert right in whole
        (tmp_path / "b.eaf").write_text(whole.replace(right, wrong), encoding="utf-8")
        with pytest.raises(etree.DocumentInvalid):
            valid(tmp_path / "b.eaf", "eaf.xsd")


# Whole milliseconds, ELAN's unit, come back exactly; anything else is rounded to the nearest.
@given(timelines(step=MS))
def test_any_timeline_comes_back(timeline: Timeline) -> None:
    with written(write_eaf, timeline, "a.eaf") as path:
        root = valid(path, "eaf.xsd")
        slots = {s.get("TIME_SLOT_ID"): int(s.get("TIME_VALUE")) for s in root.iter("TIME_SLOT")}
        assert list(slots.values()) == sorted(slots.values())
        found = {tier.get("TIER_ID"): tier for tier in root.iter("TIER")}
        eaf = pympi.Eaf(path)
        for tier in tiers(timeline):
            wanted = [
                (s.start_sample // MS, s.end_sample // MS, plain_text(s.text)) for s in tier.spans
            ]
            got = [
                (
                    slots[one.get("TIME_SLOT_REF1")],
                    slots[one.get("TIME_SLOT_REF2")],
                    one.findtext("ANNOTATION_VALUE"),
                )
                for one in found[tier.name].iter("ALIGNABLE_ANNOTATION")
            ]
            assert got == wanted
            assert sorted(eaf.get_annotation_data_for_tier(tier.name)) == sorted(wanted)


@given(timelines())
def test_any_time_is_rounded_by_half_a_millisecond_at_most(timeline: Timeline) -> None:
    with written(write_eaf, timeline, "a.eaf") as path:
        eaf = pympi.Eaf(path)
        for tier in tiers(timeline):
            found = sorted(eaf.get_annotation_data_for_tier(tier.name))
            if any(span.end_sample - span.start_sample < 2 * MS for span in tier.spans):
                continue
            for (start, end, _), span in zip(found, tier.spans, strict=True):
                assert abs(start * MS - span.start_sample) <= MS / 2
                assert abs(end * MS - span.end_sample) <= MS / 2
