"""The command line in another language: by option, by the app's settings, by the system."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile as sf

from emolive.settings_folder import FILE_NAME
from emolive.types import FloatArray
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("EMOLIVE_CONFIG", str(folder))
    return folder


def set_in_app(config: Path, language: str) -> None:
    (config / FILE_NAME).write_text(json.dumps({"look": {"language": language}}))


GERMAN, SPANISH = "gibt es noch keine Sitzungen", "Aún no hay sesiones"


def test_what_is_asked_for_comes_first_then_the_app_then_the_system(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "There are no sessions" in run("sessions", "list").stderr
    monkeypatch.setenv("LANGUAGE", "")
    for name, value in (("LC_ALL", ""), ("LC_MESSAGES", "de_AT.UTF-8"), ("LANG", "es_ES.UTF-8")):
        monkeypatch.setenv(name, value)
    assert GERMAN in run("sessions", "list").stderr
    set_in_app(config, "es")
    assert SPANISH in run("sessions", "list").stderr
    assert GERMAN in run("--language", "de", "sessions", "list").stderr
    set_in_app(config, "system")
    assert GERMAN in run("sessions", "list").stderr
    (config / FILE_NAME).write_text("{")
    assert GERMAN in run("sessions", "list").stderr, "broken settings say nothing of it"


def test_errors_are_in_it_and_what_is_for_programs_is_not(run: Run, model: Path) -> None:
    error = run("--language", "de", "sessions", "show", "nobody")
    assert (error.exit_code, error.stdout) == (2, "")
    assert "There is" not in error.stderr
    listed = run("--language", "es", "sessions", "list", "--json")
    assert json.loads(listed.stdout) == []
    wrong = run("--language", "fr", "devices")
    assert wrong.exit_code == 2
    assert "de, es" in wrong.stderr
    assert model


@pytest.mark.parametrize(
    ("arguments", "german"),
    [
        (["sessions", "show"], "Das Argument 'ID' fehlt."),
        (["live", "--jso"], "Diese Option gibt es nicht: --jso (Mögliche Optionen: --hop, --json)"),
        (["live", "--hop"], "Die Option '--hop' braucht einen Wert."),
        (["live", "--json=1"], "Die Option '--json' nimmt keinen Wert."),
        (["live", "--hop", "9"], "Falscher Wert für '--hop': muss kleiner oder gleich 3 sein"),
        (["live", "--hop", "x"], "Falscher Wert für '--hop': muss eine Zahl sein"),
        (["live", "--provider", "gpu"], "Falscher Wert für '--provider': 'gpu' ist keines von"),
        (["analyze", "--jobs="], "Falscher Wert für --jobs: ist leer."),
        (["devices", "more"], "Das ist zu viel: more"),
        (["sessions", "lst"], "Den Befehl 'lst' gibt es nicht. Ist 'list' gemeint?"),
        (["--language", "xx"], "Invalid value for --language: there are en, de, es."),
    ],
)
def test_complaints_about_the_command_line_are_in_it(
    run: Run, arguments: list[str], german: str
) -> None:
    done = run("--language", "de", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    said = " ".join(done.stderr.replace("│", " ").split())
    assert german in said
    assert ("Error" in said) == ("en, de" in said)


def test_help_is_in_it_wherever_the_language_comes_from(run: Run, config: Path) -> None:
    spanish = run("--language", "es", "--help").stdout
    assert "Opciones" in spanish
    assert "Lista las entradas de audio de este equipo." in spanish
    group = run("--language", "de", "sessions", "--help").stdout
    assert "Befehle" in group
    assert "Einer Sitzung einen Titel geben." in group
    set_in_app(config, "de")
    command = run("sessions", "export", "--help").stdout
    for text in ("Aufruf:", "Argumente", "[erforderlich]", "[Standard: html]", "Nicht nachfragen."):
        assert text in command
    assert "Show this message" not in command
    assert "Zahl" not in run("--language", "en", "sessions", "export", "--help").stdout


def test_a_report_of_an_archive_is_in_it(
    run: Run, speech: FloatArray, model: Path, tmp_path: Path
) -> None:
    """Two files, so that worker processes write them."""
    talks, out = tmp_path / "talks", tmp_path / "out"
    talks.mkdir()
    for name in ("a.wav", "b.wav"):
        sf.write(talks / name, speech[:64_000], 16_000)
    done = run(
        "--language", "de", "analyze", talks, "--format", "html", "--model", model,
        "--out", out, "--jobs", 2,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    pages = [path.read_text(encoding="utf-8") for path in out.glob("*.html")]
    assert len(pages) == 2
    assert all('<html lang="de">' in page and "Zeit je Emotion" in page for page in pages)
    assert "2 Dateien analysiert" in done.stderr
