"""The log: quiet by default, complete where asked for, and fit to be shown to strangers."""

from __future__ import annotations

import gc
import logging
import os
import pickle
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from emolive import logs
from emolive.errors import EmoliveError
from emolive.logs import LogLevel, app_log_file, forwarded, log_of_the_app, log_to, nothing_unseen
from tests.models import LABELS, tiny_model

_log = logging.getLogger("emolive.somewhere")
_SECRET = "Anna's interview \x1b[2J whsec_1234"


def _fail() -> None:
    try:
        raise KeyError(_SECRET)
    except KeyError as error:
        raise EmoliveError(f"{_SECRET} is happy") from error


def _logged_failure() -> None:
    try:
        _fail()
    except EmoliveError:
        _log.exception("It failed")


def test_it_is_quiet_by_default() -> None:
    code = "import emolive, logging; logging.getLogger('emolive.x').error('heard')"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("", "")


def test_a_traceback_names_code_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    with log_to(file):
        _logged_failure()
        try:
            open(f"/nowhere/{_SECRET}")  # noqa: SIM115
        except OSError:
            _log.warning("No file", exc_info=True)
    _log.error("afterwards")
    text = file.read_text("utf-8")
    assert "ERROR emolive.somewhere" in text
    assert "test_logs.py:" in text
    assert " in _fail" in text
    assert text.index("KeyError") < text.index("emolive.errors.EmoliveError")
    assert "FileNotFoundError: 2 " in text
    for hidden in ("Anna", "happy", "whsec", "nowhere", str(Path.home()), "afterwards", "\x1b"):
        assert hidden not in text


def test_levels_are_kept(tmp_path: Path) -> None:
    with log_to(tmp_path / "few", LogLevel.ERROR), log_to(tmp_path / "many", LogLevel.DEBUG):
        _log.debug("small")
        _log.error("big")
    assert "small" not in (tmp_path / "few").read_text()
    assert "small" in (tmp_path / "many").read_text()
    assert not logging.getLogger("emolive").isEnabledFor(logging.INFO)


def test_no_message_obeys_or_breaks_the_line(tmp_path: Path) -> None:
    with log_to(tmp_path / "a.log"):
        _log.warning("one\n2026-01-01 CRITICAL faked \x1b]0;title\x07 %s", "\u202eback")
    text = (tmp_path / "a.log").read_text("utf-8")
    assert len(text.splitlines()) == 1
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_files_rotate_and_are_their_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_MOST_BYTES", 2_000)
    file = tmp_path / "a.log"
    file.write_text("")
    file.chmod(0o644)
    with log_to(file):
        for number in range(500):
            _log.info("line %d", number)
    files = sorted(tmp_path.iterdir())
    assert [one.name for one in files] == ["a.log", "a.log.1", "a.log.2", "a.log.3"]
    assert all(one.stat().st_size <= 2_000 for one in files)
    assert "line 499" in file.read_text()
    if os.name == "posix":
        assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}


def test_a_device_stays_open_to_others() -> None:
    before = os.stat(os.devnull).st_mode
    with log_to(Path(os.devnull)):
        _log.info("gone")
    assert os.stat(os.devnull).st_mode == before


def test_the_app_goes_on_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert app_log_file().name == "emolive.log"
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(logs, "app_log_file", lambda: tmp_path / "file" / "emolive.log")
    with log_of_the_app():
        _log.info("nowhere")
    monkeypatch.setattr(logs, "app_log_file", lambda: tmp_path / "new" / "emolive.log")
    with log_of_the_app():
        _log.info("somewhere")
    assert "somewhere" in (tmp_path / "new" / "emolive.log").read_text()


class _Bad:
    def __del__(self) -> None:
        raise ValueError(_SECRET)


def test_what_nobody_caught_is_logged_and_told(tmp_path: Path) -> None:
    told: list[str] = []
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    with log_to(tmp_path / "a.log"), nothing_unseen(told.append):
        thread = threading.Thread(target=_fail)
        thread.start()
        thread.join()
        _Bad()
        gc.collect()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before
    text = (tmp_path / "a.log").read_text("utf-8")
    assert text.count("CRITICAL") == 2
    assert " in _fail" in text
    assert " in __del__" in text
    assert "Anna" not in text
    assert len(told) == 2
    assert "EmoliveError" in told[0]


def test_another_process_loses_nothing(tmp_path: Path) -> None:
    sent: list[bytes] = []
    with forwarded(lambda record: sent.append(pickle.dumps(record))):
        _logged_failure()
        _log.debug("%s", object())
    with log_to(tmp_path / "a.log"):
        for record in sent:
            logs.take(pickle.loads(record))
    text = (tmp_path / "a.log").read_text("utf-8")
    assert " in _fail" in text
    assert "Anna" not in text
    assert "DEBUG" not in text


def _command(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emolive", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def test_a_whole_run_names_nothing(tmp_path: Path) -> None:
    """From the command line, in worker processes, too."""
    import numpy as np
    import soundfile

    folder = tmp_path / "Anna"
    folder.mkdir()
    tiny_model(tmp_path / "m.onnx")
    for name in ("one", "two"):
        noise = np.random.default_rng(0).normal(0, 0.1, 64_000)
        soundfile.write(folder / f"{name}.wav", noise, 16_000)
    log = tmp_path / "run.log"
    done = _command(
        *("--log-level", "debug", "--log-file", log, "analyze", folder, "--jobs", 2),
        *("--provider", "cpu", "--model", tmp_path / "m.onnx"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    text = log.read_text("utf-8")
    assert text.count("A model is loaded on CPU") >= 2  # the workers'
    assert len({line.split("[")[1].split("/")[0] for line in text.splitlines()}) >= 2
    for hidden in ("Anna", "one.wav", "m.onnx", str(tmp_path), *LABELS):
        assert hidden not in text
    assert "INFO" not in done.stderr
    missing = _command("--log-file", tmp_path / "no" / "a.log", "devices", cwd=tmp_path)
    assert missing.returncode == 2
    assert missing.stderr.startswith("The log cannot be written to")
    assert "Traceback" not in missing.stderr
    shown = _command(
        "--log-level", "info", "analyze", folder, "--model", folder / "absent.onnx", cwd=tmp_path
    )
    assert "INFO emolive.cli.outcome" in shown.stderr
    assert "emolive.errors.ModelError" in shown.stderr
