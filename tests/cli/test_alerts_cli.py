from __future__ import annotations

import io
import json
import os
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import soundfile as sf

from emolive.alerts.outbox import Outbox
from emolive.alerts.rule_file import load_rules
from emolive.alerts.webhook_settings import decoded_secret
from emolive.cli.agent import confirm_in_terminal, permission_for
from emolive.cli.options import AgentOptions
from emolive.consent.permission import GRANTED, STATEMENT
from emolive.engine import EngineConfig
from emolive.errors import EmoliveError
from emolive.session.database import DATABASE_FILE
from emolive.session.library import Library
from emolive.types import FloatArray, Role
from tests.alerts.server import SECRET, WebhookServer
from tests.cli.conftest import Run
from tests.models import LABELS, tiny_model
from tests.session.filled import session_record

RATE = 16_000
ANGRY = """
[[rule]]
name = "Upset"
kind = "emotion"
emotions = ["angry"]
probability = 0.5
for_s = 0.5
dwell_s = 0.0
cool_down_s = 0.0
"""
HOOK = """
[[webhook]]
name = "team"
url = "{url}"
secret = "{secret}"
timeout_s = 0.3
"""


@pytest.fixture
def angry(tmp_path: Path) -> Path:
    """A model that hears nothing but anger."""
    path = tmp_path / "angry.onnx"
    tiny_model(path, bias=[20.0 if label == "angry" else 0.0 for label in LABELS])
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(ANGRY)
    return path


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty library and an empty configuration, where commands find them."""
    folder = tmp_path / "library"
    Library.open(folder).close()
    monkeypatch.setenv("EMOLIVE_LIBRARY", str(folder))
    monkeypatch.setenv("EMOLIVE_CONFIG", str(tmp_path / "config"))
    return folder


@pytest.fixture
def stereo(tmp_path: Path, speech: FloatArray) -> Path:
    """Six seconds in which the left channel is silent and the right one speaks."""
    path = tmp_path / "call.wav"
    sf.write(path, [[0.0, value] for value in speech[: 6 * RATE]], RATE)
    return path


def test_the_example_passes_the_check(run: Run, tmp_path: Path, model: Path) -> None:
    example = run("alerts", "example")
    assert example.exit_code == 0
    path = tmp_path / "example.toml"
    path.write_text(example.stdout)
    assert load_rules(path).rules
    check = run("alerts", "check", path, "--model", model)
    assert check.exit_code == 0, check.stderr
    assert (
        "Customer upset [critical]: When the customer sounds angry or disgust with 60\u00a0% or "
        "more for 5 s (over at 40\u00a0%). At most every 60 s: banner, sound, desktop."
        in check.stdout
    )
    assert "When nobody speaks for 15 s." in check.stdout
    assert "is right: 4 rules, 0 webhooks." in check.stderr


@pytest.mark.skipif(os.name != "posix", reason="no permissions of this kind here")
def test_the_check_tells_of_a_secret_that_others_can_read(
    run: Run, rules: Path, model: Path
) -> None:
    webhook = '[[webhook]]\nname = "team"\nurl = "https://example.org/x"\nsecret = "' + 20 * "x"
    rules.write_text(f'{ANGRY}\n{webhook}"\n')
    rules.chmod(0o644)
    result = run("alerts", "check", rules, "--model", model)
    assert result.exit_code == 0, result.stderr
    assert f"run `chmod 600 {rules}`." in result.stderr
    rules.chmod(0o600)
    assert "chmod" not in run("alerts", "check", rules, "--model", model).stderr


def test_a_wrong_rule_is_one_sentence(run: Run, rules: Path, model: Path) -> None:
    rules.write_text(ANGRY.replace("0.5\nfor_s", "1.5\nfor_s"))
    result = run("alerts", "check", rules, "--model", model)
    assert result.exit_code == 2
    assert result.stderr == (
        f"{rules}, rule 1 ('Upset'): 'probability' must be less than or equal to 1, not 1.5.\n"
    )
    german = run("--language", "de", "alerts", "check", rules, "--model", model)
    assert german.stderr == (
        f"{rules}, Regel 1 ('Upset'): 'probability' muss kleiner oder gleich 1 sein, nicht 1.5.\n"
    )
    rules.write_text(ANGRY.replace("angry", "bored"))
    result = run("alerts", "check", rules, "--model", model)
    assert result.exit_code == 2
    assert "'bored', which the model tiny does not know: use neutral" in result.stderr


def test_a_new_secret_is_random_and_usable(run: Run) -> None:
    one, two = (run("alerts", "secret").stdout.strip() for _ in range(2))
    assert one != two
    assert len(decoded_secret(one)) == 32


def test_rules_are_tried_on_recordings(
    run: Run, rules: Path, angry: Path, stereo: Path, library: Path
) -> None:
    result = run("alerts", "test", rules, stereo, "--model", angry, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["calls"] == 1
    (rule,) = found["rules"]
    assert rule["alerts"] == 1
    assert rule["per_hour"] == pytest.approx(600, rel=0.01)
    (finding,) = rule["findings"]
    assert (finding["stream"], finding["start_s"], finding["fired_s"]) == ("right", 3.0, 3.5)
    table = run("alerts", "test", rules, stereo, "--model", angry, "--agent-channel", "right")
    assert table.exit_code == 0
    assert "Upset" in table.stdout
    # The only one who speaks is the agent now.
    assert "fired" not in table.stdout
    assert "times real time" in table.stderr
    assert Library.open(library).sessions() == []


def test_two_files_are_one_call(
    run: Run, rules: Path, angry: Path, tmp_path: Path, speech: FloatArray
) -> None:
    files = [tmp_path / "agent.wav", tmp_path / "customer.wav"]
    for file, part in zip(files, (speech[: 4 * RATE] * 0, speech[: 4 * RATE]), strict=True):
        sf.write(file, part, RATE)
    result = run("alerts", "test", rules, *files, "--pair", "--model", angry, "--json")
    assert result.exit_code == 0, result.stderr
    (finding,) = json.loads(result.stdout)["rules"][0]["findings"]
    assert finding["stream"] == "customer"
    assert finding["call"] == f"{files[0]} + {files[1]}"
    assert run("alerts", "test", rules, files[0], "--pair", "--model", angry).exit_code == 2


def test_what_cannot_be_read_is_reported_and_the_rest_is_tried(
    run: Run, rules: Path, angry: Path, stereo: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    result = run(
        "alerts", "test", rules, broken, tmp_path / "none.wav", stereo, "--model", angry, "--json"
    )
    assert result.exit_code == 1
    assert json.loads(result.stdout)["calls"] == 1
    assert "broken.json is no result" in result.stderr
    assert "none.wav does not exist" in result.stderr


def test_results_of_analyze_are_tried(
    run: Run, rules: Path, angry: Path, stereo: Path, tmp_path: Path
) -> None:
    assert run("analyze", stereo, "--out", tmp_path / "out", "--model", angry).exit_code == 0
    result = run("alerts", "test", rules, tmp_path / "out", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["rules"][0]["alerts"] == 1


def test_sessions_are_tried_since_a_day(run: Run, rules: Path, library: Path) -> None:
    from emolive.session.records import StreamInfo
    from tests.alerts.calls import LABELS as CALL_LABELS
    from tests.alerts.calls import windows

    now = datetime.now(UTC)
    with Library.open(library) as opened:
        for days in (1, 10):
            new = session_record(
                streams=(StreamInfo("mono", RATE),), labels=CALL_LABELS,
                started_at=now - timedelta(days=days),
            )  # fmt: skip
            writer = opened.create(new, audio=False)
            writer.add_windows(windows([0.9] * 6, "mono"))
            writer.finish(6 * RATE)
    for since, calls in ((None, 2), ("7d", 1), ((now - timedelta(days=30)).date(), 2)):
        options = [] if since is None else ["--since", since]
        result = run("alerts", "test", rules, *options, "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["calls"] == calls
    assert run("alerts", "test", rules, "--since", "soon").exit_code == 2
    assert run("alerts", "test", rules, "--since", "7d", "x.wav").exit_code == 2


def test_the_outbox_is_shown_retried_and_delivered(run: Run, rules: Path, library: Path) -> None:
    with WebhookServer() as server:
        rules.write_text(ANGRY + 'webhooks = ["team"]' + HOOK.format(url=server.url, secret=SECRET))
        box = Outbox.open(library)
        box.put("msg_1", "team", "{}", datetime.now(UTC), None)
        box.close()
        server.answer = lambda _: 404
        result = run("alerts", "deliver", rules)
        assert result.exit_code == 1
        assert "1 message was refused by a server" in result.stderr
        shown = run("alerts", "outbox")
        assert "answered 404 Not Found" in shown.stdout
        assert "0 waiting, 1 refused, 0 dropped in all." in shown.stderr
        server.answer = lambda _: 200
        again = run("alerts", "outbox", "--retry", "--json")
        assert json.loads(again.stdout)["waiting"] == 1
        result = run("alerts", "deliver", rules)
        assert result.exit_code == 0
        assert "1 message delivered." in result.stderr
        assert json.loads(run("alerts", "outbox", "--json").stdout)["messages"] == []


# Live.


def test_live_rules_and_metrics(
    run: Run, rules: Path, angry: Path, stereo: Path, library: Path
) -> None:
    with WebhookServer() as server:
        rules.write_text(ANGRY + 'webhooks = ["team"]' + HOOK.format(url=server.url, secret=SECRET))
        result = run(
            "call", "live", stereo, "--json", "--alerts", rules, "--metrics", "0", "--record",
            "--no-audio", "--model", angry,
        )  # fmt: skip
        assert result.exit_code == 0, result.stderr
        found = [json.loads(line) for line in result.stdout.splitlines()]
        (alert,) = [item for item in found if item["type"] == "alert"]
        (ended,) = [item for item in found if item["type"] == "alert_ended"]
        assert alert["stream"] == "customer"
        assert alert["fired_s"] == 3.5
        assert ended["fired_s"] == 3.5
        assert "1 alert." in result.stderr
        assert "Metrics are at http://127.0.0.1:" in result.stderr
        (received,) = server.received
        with Library.open(library) as opened:
            (info,) = opened.sessions()
            assert received.json["call"]["session"] == info.id
            (line,) = opened.alerts(info.id)
            assert (line.rule, line.at_sample) == ("Upset", round(3.5 * RATE))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--alerts", "none.toml"], "There is no rules file at none.toml"),
        (["--metrics", "0.0.0.0:9464"], "Metrics are for this computer only"),
    ],
)
def test_live_refuses_what_cannot_be_before_it_starts(
    run: Run, stereo: Path, angry: Path, library: Path, options: list[str], sentence: str
) -> None:
    result = run("call", "live", stereo, "--json", "--model", angry, *options)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stdout == ""
    assert library.exists()


# The agent.


class Typed(io.StringIO):
    """A person at a terminal."""

    def isatty(self) -> bool:
        return True


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", Typed(text))


def test_a_person_types_the_phrase(
    library: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, f"{STATEMENT.phrase}\n")
    permission = permission_for("call.wav", AgentOptions(infer_agent=True))
    config = EngineConfig(agent_permission=permission)
    assert config.infers_emotion(Role.AGENT)
    told = capsys.readouterr().err
    assert "Article 5(1)(f)" in told
    with Library.open(library) as opened:
        (entry,) = opened.audit_log()
    assert entry.action == GRANTED
    assert str(entry.details["call"]).startswith("call.wav, ")


@pytest.mark.parametrize("text", ["", "\n", "y\n", "yes\n"])
def test_anything_else_is_no_confirmation(
    library: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    typed(monkeypatch, text)
    assert permission_for("call.wav", AgentOptions(infer_agent=True)) is None
    with Library.open(library) as opened:
        assert [entry.action for entry in opened.audit_log()] != [GRANTED]


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(STATEMENT.phrase))
    with pytest.raises(EmoliveError, match="confirmed by a person at a terminal"):
        confirm_in_terminal(STATEMENT)


def test_the_audit_log_is_checked(run: Run, library: Path) -> None:
    assert "empty" in run("audit", "--verify").stderr
    with Library.open(library) as opened:
        opened.audit("exported", {"session": "a"})
    first = run("audit", "--verify")
    assert first.exit_code == 0
    assert "1 entry, none changed or removed." in first.stderr
    fingerprint = first.stdout.strip()
    assert run("audit", "--fingerprint", fingerprint).exit_code == 0
    typo = run("audit", "--fingerprint", fingerprint[:-1])
    assert typo.exit_code == 2
    assert "is no fingerprint: give the 64 letters" in " ".join(typo.stderr.split())
    assert run("audit", "--fingerprint", "0" * 64).exit_code == 1
    assert json.loads(run("audit", "--verify", "--json").stdout) == {
        "entries": 1, "fingerprint": fingerprint, "problem": None,
    }  # fmt: skip
    with closing(sqlite3.connect(library / DATABASE_FILE, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER audit_keeps_content")
        connection.execute("UPDATE audit SET actor = 'nobody'")
    changed = run("audit", "--verify")
    assert (changed.exit_code, changed.stdout) == (1, "")
    assert "was tampered with: entry 1 of " in changed.stderr


@pytest.mark.usefixtures("library")
def test_a_policy_in_the_configuration_holds_for_calls(
    run: Run, stereo: Path, angry: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    example = run("policy", "--example")
    (folder / "policy.toml").write_text(example.stdout)
    shown = run("policy")
    assert "forbids it" in shown.stdout
    assert "Article 5(1)(f)" in shown.stdout
    arguments = ["call", "live", stereo, "--json", "--duration", 4, "--model", angry]
    forbidden = run(*arguments, "--infer-agent")
    assert forbidden.exit_code == 2
    assert "does not permit to infer agents' emotions" in forbidden.stderr
    other = tmp_path / "ours.toml"
    other.write_text(
        '[agent_emotion]\ninfer = true\nstatement = 1\nresponsible = "Jane Doe"\n'
        'basis = "Safety of dispatchers"\n'
    )
    # The agent is on the right, where somebody speaks.
    permitted = run(*arguments, "--agent-channel", "right", "--policy", other)
    assert permitted.exit_code == 0, permitted.stderr
    found = [json.loads(line) for line in permitted.stdout.splitlines()]
    agent = [item for item in found if item["type"] == "prediction" and item["stream"] == "agent"]
    assert any(item["probabilities"] for item in agent)
    log = json.loads(run("audit", "--json").stdout)
    assert [entry["action"] for entry in log] == [GRANTED]
    assert log[0]["details"]["policy"] == str(other)
    assert len(log[0]["details"]["policy_sha256"]) == 64
    assert "agent_emotion.granted" in run("audit").stdout
    # Without it, the agent is not inferred.
    plain = run(*arguments, "--agent-channel", "right", "--policy", folder / "policy.toml")
    found = [json.loads(line) for line in plain.stdout.splitlines()]
    states = {i["state"] for i in found if i["type"] == "prediction" and i["stream"] == "agent"}
    assert states <= {"not_inferred", "silence"}


def test_an_empty_log_says_so(run: Run, library: Path) -> None:
    assert "The audit log is empty." in run("audit", "--library", library).stderr


def test_a_wall_of_calls_is_watched_call_by_call(
    run: Run, rules: Path, angry: Path, stereo: Path, tmp_path: Path
) -> None:
    quiet = tmp_path / "quiet.wav"
    sf.write(quiet, [[0.0, 0.0]] * (5 * RATE), RATE)
    result = run(
        "call", "wall", stereo, quiet, "--alerts", rules, "--model", angry, "--metrics", "0",
        "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(i["call"], i["fired_s"]) for i in found if i["type"] == "alert"] == [("1", 3.5)]
    assert "1 alert." in result.stderr
    table = run("call", "wall", stereo, "--alerts", rules, "--model", angry)
    assert table.exit_code == 0
    assert "alerts" in table.stdout
    assert table.stdout.splitlines()[1].rstrip().endswith("1")
