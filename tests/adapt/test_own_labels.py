"""Labels that no table knows, all the way down: exports, alerts, colours, agreement, comparison."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emolive.adapt import shelf
from emolive.alerts.rule_file import check_labels, parse_rules
from emolive.engine import EngineConfig, FileAnalysis, analyze_file
from emolive.inference.loading import open_model
from emolive.labels import contrast, emotion_name, is_negative, position_of, swatch
from emolive.resources import DEMO_AUDIO, asset
from emolive.session.agreement import timeline_agreements
from emolive.session.comparison import compare
from emolive.session.export import FORMATS
from emolive.session.records import Annotation
from emolive.session.timeline import Timeline
from emolive.speech.silero import SileroVad
from tests.adapt.taught import base_model, taught, voices

LABELS = ("confident", "très hésitant", "<b>&1")
RULES = b"""
version = 1
[[rule]]
name = "unsure"
kind = "emotion"
emotions = ["tr\xc3\xa8s h\xc3\xa9sitant"]
probability = 0.3
for_s = 1.0
"""


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> FileAnalysis:
    """The demo clip by a model that knows nothing but own labels."""
    folder = tmp_path_factory.mktemp("own")
    base = base_model(folder)
    manifest = voices(folder, 6, ("confident", "hesitant", "third"))
    text = manifest.read_text(encoding="utf-8")
    text = text.replace(",hesitant,", ",très hésitant,").replace(",third,", ",<b>&1,")
    manifest.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOLIVE_MODELS", str(folder))
        shelf.keep(taught(base, manifest).model)
        classifier = open_model(Path("mine"), "cpu")
    try:
        return analyze_file(asset(DEMO_AUDIO), classifier, SileroVad(), EngineConfig())
    finally:
        classifier.close()


@pytest.fixture
def timeline(analysis: FileAnalysis) -> Timeline:
    mark = Annotation("m", 16_000, 48_000, "très hésitant", "a comment", annotator="ann")
    return replace(Timeline.of_analysis(analysis), annotations=(mark,))


def test_the_classes_are_the_own_labels(analysis: FileAnalysis) -> None:
    assert set(analysis.labels) == set(LABELS)
    assert analysis.label in LABELS
    assert {s.label for s in analysis.segments} <= {*LABELS, "silence", "uncertain"}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_export_holds_them(name: str, timeline: Timeline, tmp_path: Path) -> None:
    form = FORMATS[name]
    path = tmp_path / f"talk.{form.extension}"
    form.write(timeline, path)
    written = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert written
    if name in ("json", "csv", "eaf", "textgrid", "audacity", "vtt", "html"):
        content = b"".join(one.read_bytes() for one in written)
        assert (
            any(
                "très hésitant".encode(code) in content
                for code in ("utf-8", "utf-16-le", "utf-16-be")
            )
            or b"tr\\u00e8s" in content
        )
    if name == "html":
        assert b"<b>&1" not in path.read_bytes()
    if name == "json":
        found = json.loads(path.read_text(encoding="utf-8"))
        assert set(found["summary"]["probabilities"]) == set(LABELS)


def test_rules_watch_them(analysis: FileAnalysis) -> None:
    rules = parse_rules(RULES, "rules.toml")
    check_labels(rules, analysis.labels, "mine")
    with pytest.raises(Exception, match="très hésitant"):
        check_labels(rules, ("angry", "neutral"), "fast")


@pytest.mark.parametrize("label", LABELS)
def test_colours_follow_from_the_name_and_there_is_no_place_on_the_plane(label: str) -> None:
    assert position_of(label) is None
    assert not is_negative(label)
    assert emotion_name(label) == label
    found = swatch(label)
    assert swatch(label.upper()) == found
    for dark in (False, True):
        assert contrast(found.fill(dark=dark), found.ink(dark=dark)) > 4.4


def test_people_and_other_models_are_compared_by_them(
    timeline: Timeline, analysis: FileAnalysis
) -> None:
    (one,) = timeline_agreements(timeline)
    assert one.annotator == "ann"
    assert {person for person, _ in one.confusion} <= {"très hésitant"}
    other = [replace(s, label="angry" if s.label in LABELS else s.label) for s in analysis.segments]
    found = compare(analysis.segments, other)
    assert found
    assert np.isfinite([s.confidence for s in analysis.segments]).all()
