"""One description makes a whole run: recorded, watched, its alerts delivered and tied together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.rule_file import save_rules
from emolive.alerts.rules import RuleSet
from emolive.alerts.webhook_settings import Webhook
from emolive.audio.files import FileSource
from emolive.errors import EmoliveError
from emolive.monitoring import Monitoring, RecordingChoice, RunDescription, RunSettings
from emolive.resources import DEMO_AUDIO, asset
from emolive.session.library import Library
from emolive.session.recorder import RecordingRequest
from tests import models
from tests.alerts.server import SECRET, WebhookServer
from tests.conftest import REPOSITORY

_OPENS = re.compile(r"(?<!class )\b(LiveEngine|AlertService|Recorder|Explainer)\(")


def test_what_a_run_takes_is_opened_here_alone() -> None:
    """Benches open parts by themselves, to measure them."""
    root = REPOSITORY / "emolive"
    found = {
        (path.relative_to(root).parts[0], name)
        for path in root.rglob("*.py")
        for name in _OPENS.findall(path.read_text(encoding="utf-8"))
    }
    assert {folder for folder, _ in found} == {"monitoring", "bench"}
    assert {name for folder, name in found if folder == "monitoring"} >= {"Recorder", "Explainer"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that hears the last label in everything."""
    bias = np.zeros(len(models.LABELS), np.float32)
    bias[-1] = 5.0
    path = tmp_path / "tiny.onnx"
    models.tiny_model(path, weights=np.zeros((128, len(models.LABELS)), np.float32), bias=bias)
    return path


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    with WebhookServer() as made:
        yield made


def test_a_run_is_recorded_and_its_alerts_name_the_session(
    model: Path, server: WebhookServer, tmp_path: Path
) -> None:
    rule = EmotionRule(
        name="Always", emotions=(models.LABELS[-1],), probability=0.5, for_s=0.5, webhooks=("team",)
    )
    rules = RuleSet(
        rule=(rule,), webhook=(Webhook(name="team", url=server.url, secret=SecretStr(SECRET)),)
    )
    folder = tmp_path / "library"
    with Library.open(folder) as library, closing(Monitoring()) as monitoring:
        description = RunDescription(
            FileSource(asset(DEMO_AUDIO), paced=True),
            RunSettings(model, "cpu", rules=rules, library=folder),
            recording=RecordingChoice(library, RecordingRequest("All of it")),
        )
        run = monitoring.prepare(description)
        assert (run.recorder, run.session_id) == (None, None), "nothing before it begins"
        run.start()
        assert run.recorder is not None
        with pytest.raises(EmoliveError, match="still being stored"):
            run.record(RecordingChoice(library))
        server.wait(bool, timeout=60)
        told = server.received[0].json["call"]
        session_id = run.session_id
        run.stop()
        assert run.recorder.wait(60)
        assert run.recorder.session is not None
        assert told["session"] == run.recorder.session.id == session_id
        assert told["id"] == "live"
        assert library.get(session_id).title == "All of it"
        assert [alert.rule for alert in library.alerts(session_id)] == ["Always"]
        with pytest.raises(EmoliveError, match="over"):
            run.record(RecordingChoice(library))


def test_rules_that_cannot_be_read_stop_nothing(model: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[[rule]]\nname = 3\n")
    with closing(Monitoring()) as monitoring:
        settings = RunSettings(model, "cpu", rules=tmp_path / "rules.toml", library=tmp_path)
        source = FileSource(asset(DEMO_AUDIO), paced=False)
        run = monitoring.prepare(RunDescription(source, settings))
        run.start()
        assert run.live.wait(60.0)
        assert run.live.status().streams[0].windows > 0
        assert "rules.toml" in (run.alerts.problem or "")


def test_a_file_of_rules_is_a_runs_own(model: Path, tmp_path: Path) -> None:
    rule = EmotionRule(name="Always", emotions=(models.LABELS[-1],), probability=0.5, for_s=0.5)
    save_rules(RuleSet(rule=(rule,)), tmp_path / "rules.toml")
    with closing(Monitoring()) as monitoring:
        settings = RunSettings(model, "cpu", rules=tmp_path / "rules.toml", library=tmp_path)
        one, two = (
            monitoring.prepare(RunDescription(FileSource(asset(DEMO_AUDIO), paced=False), settings))
            for _ in range(2)
        )
        assert one.alerts.service is not two.alerts.service
