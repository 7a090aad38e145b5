"""Every language says everything, with the same values, and every text passes the seam."""

from __future__ import annotations

import ast
import copy
import json
import pickle
import re
import string
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from emolive import i18n
from emolive.audio.channels import ChannelCheck
from emolive.audio.microphone import Microphone
from emolive.audio.output import Speaker
from emolive.consent.policy import Policy
from emolive.errors import EmoliveError
from emolive.inference.adapted_file import AdaptedModel
from emolive.inference.metadata import ModelMetadata
from emolive.labels import USUAL, emotion_name
from emolive.session.bundle_document import (
    AlertEntry,
    AudioEntry,
    BundleDocument,
    NoteEntry,
    StreamEntry,
    WindowEntry,
)
from emolive.session.export.formats import FORMATS
from emolive.times import clock_tenths, duration_text
from emolive.ui.in_app import IN_APP
from emolive.wording import complaint, percent, signed, size_text
from tests.catalogues import (
    LANGUAGES,
    SOURCE,
    TAKES_TEXTS,
    calls,
    missing,
    nodes,
    read,
    template,
    texts_of,
)
from tests.session.test_exporters import FULL


@pytest.fixture(scope="module", autouse=True)
def _source_is_parsed_once() -> Iterator[None]:
    yield
    nodes.cache_clear()


@pytest.fixture(scope="module")
def wanted() -> set[object]:
    """All texts of the source."""
    return {message.id for message in template() if message.id}


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str, wanted: set[object]) -> None:
    catalogue = read(language)
    there = {message.id for message in catalogue if message.id}
    assert wanted - there == set(), "run `make catalogues` and translate them"
    assert there - wanted == set(), "run `make catalogues`: these texts are gone"
    assert [message.id for message in missing(catalogue)] == []
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_take_the_values_of_their_texts(language: str) -> None:
    for message in read(language):
        if not message.id:
            continue
        forms = (message.id,) if isinstance(message.id, str) else message.id
        said = (message.string,) if isinstance(message.string, str) else message.string
        for form in said:
            own = {frozenset(names(text)) for text in forms}
            assert frozenset(names(form)) in own, (message.id, form)
            for edge in (str.lstrip, str.rstrip):
                assert len(form) - len(edge(form)) == len(forms[0]) - len(edge(forms[0])), form
            # Commands, extras, options and keys of files are the same in every language.
            for quoted in re.findall(r"`[^`]+`|--[a-z][a-z-]+", forms[-1]):
                assert quoted in form, (quoted, form)


@pytest.mark.parametrize("language", LANGUAGES)
def test_hardly_anything_is_left_in_english(language: str) -> None:
    """A sentence that is the same in both languages was forgotten."""
    same = [
        message.id
        for message in read(language)
        if isinstance(message.id, str)
        and message.id == message.string
        and len(re.findall(r"(?<!\{)\b[a-z]{3,}\b(?!\})", message.id)) > 2
    ]
    assert same == []


def test_all_texts_are_written_where_they_can_be_found() -> None:
    """`tr` of something that is not written there takes what `mark` marked, never an f-string."""
    wrong = []
    for path in SOURCE.rglob("*.py"):
        found = {line for line, _ in texts_of(path)}
        for call, _ in calls(path):
            # What is told may be put together, of texts.
            told = ast.unparse(call.func) in ("say", "tell")
            written = told or not isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
            if call.lineno not in found and not written:
                wrong.append(f"{path.relative_to(SOURCE)}:{call.lineno}")
    assert wrong == []


# What speaks to programs alone stays English: telephone systems that broke their protocol, their
# signatures, numbers for Prometheus, a closed socket's reason, names in a database, the benchmark's
# own client. So does what a developer alone can do wrong (ValueError and its like), and the log.
FOR_PROGRAMS = (
    "server/taps/", "server/signatures.py", "server/tap_routes.py", "server/client.py",
    "server/shell.py", "server/watchers.py", "server/prometheus.py", "metrics/collector.py",
    "central/schema.py",
)  # fmt: skip
TO_PEOPLE = re.compile(
    r"(^|\.|_)(Refused|say|tell|print|confirm|add_task|add_column|add_row|Table|columns)$"
)
# What is taken for a text, and is none that a person reads.
FOR_NOBODY = re.compile(
    r"(^|\.)(tr|ntr|mark|say|tell|Option|Argument|\w*Error|NoSuchSession|_?log\.\w+|\w*compile|execute\w*)$"
)


def readable() -> Iterator[tuple[Path, tuple[ast.AST, ...]]]:
    """The source that speaks to people, parsed."""
    for path in SOURCE.rglob("*.py"):
        if not path.relative_to(SOURCE).as_posix().startswith(FOR_PROGRAMS):
            yield path, nodes(path)


def test_what_is_told_to_people_passes_the_seam() -> None:
    wrong = []
    for path, every in readable():
        for node in every:
            if isinstance(node, ast.Call) and TO_PEOPLE.search(ast.unparse(node.func)):
                wrong += [
                    f"{path.relative_to(SOURCE)}:{node.lineno}: {ast.unparse(argument)}"
                    for argument in node.args
                    if is_sentence(argument)
                    # What takes texts has them translated; one that is put together cannot be.
                    and not (
                        isinstance(argument, ast.Constant) and ast.unparse(node.func) in TAKES_TEXTS
                    )
                ]
    assert wrong == []


def test_no_sentence_stands_in_the_source_past_the_seam() -> None:
    """Whatever carries it to people: a list of problems, a field, a value that is returned."""
    wrong = []
    for path, every in readable():
        aside: set[ast.AST] = set()
        for node in every:
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if FOR_NOBODY.search(name):
                    aside.update(ast.walk(node))
                for keyword in node.keywords:
                    if keyword.arg in {"help", "epilog", "msg", "reason", "description"}:
                        aside.update(ast.walk(keyword.value))
            elif isinstance(node, ast.Expr | ast.Dict | ast.Assert):
                # Docstrings, JSON, and what only a developer sees.
                aside.update([node.value] if isinstance(node, ast.Expr) else ast.walk(node))
        for node in every:
            if node not in aside and is_whole_sentence(node):
                wrong += [f"{path.relative_to(SOURCE)}: {ast.unparse(node)}"]
    assert wrong == []


def is_whole_sentence(node: ast.AST) -> bool:
    """Whether it is a text of three words and more that begins and ends as a sentence does."""
    if not is_sentence(node, words=3):
        return False
    text = ast.unparse(node).lstrip("f").strip("'\"")
    return bool(re.match(r"(?!SELECT|UPDATE|DELETE|INSERT|CREATE|AND)[A-Z{].* .*\w[.?!]$", text))


# What never speaks inside the app; it checks whether it can open in the terminal.
NOT_IN_APP = re.compile(
    r"emolive/(bench|central|cli|cluster|metrics|server|ui/preflight\.py|ui/in_app\.py)"
)
COMMAND = re.compile(r"`|(^|\W)--[a-z]|\bpip install\b|\bDIR\b|EMOLIVE_")


def test_nothing_in_the_app_names_a_command() -> None:
    texts = [message for message in template() if message.id]
    known = {message.id for message in texts}
    assert set(IN_APP) - known == set(), "these texts are gone"
    for message in texts:
        if all(NOT_IN_APP.match(place) for place, _ in message.locations):
            continue
        for text in (message.id,) if isinstance(message.id, str) else message.id:
            assert not COMMAND.search(IN_APP.get(text, text)), text
    for text, instead in IN_APP.items():
        assert names(instead) <= names(text)


def test_the_app_says_what_to_do_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import emolive.explain.cues as cues

    monkeypatch.setitem(sys.modules, "parselmouth", None)
    with pytest.raises(EmoliveError, match="`pip install 'emolive\\[cues\\]'`") as raised:
        cues.load_praat()
    sent = pickle.dumps(raised.value)  # as a worker's, whose parent is the app
    i18n.use_language("de", instead=IN_APP)
    assert str(pickle.loads(sent)) == (
        "Akustische Merkmale brauchen ein Extra: fügen Sie dort, wo emolive installiert ist, das "
        "Python-Paket 'emolive[cues]' hinzu, und starten Sie es neu."
    )


@pytest.mark.parametrize("record", [ModelMetadata, AdaptedModel, BundleDocument, StreamEntry,
                                    WindowEntry, AlertEntry, NoteEntry, AudioEntry,
                                    Policy])  # fmt: skip
def test_what_is_wrong_with_a_record_is_said_in_the_language_in_use(
    record: type[BaseModel],
) -> None:
    wrong = (None, True, -1, 10**30, 1.5, "", "x" * 5000, "2026-01-01", [], {}, ["x"], {"a": 1})
    i18n.use_language(i18n.PSEUDO)
    for name in record.model_fields:
        for value in wrong:
            with pytest.raises(ValidationError) as raised:
                record.model_validate({name: value, "unknown": 1})
            for error in raised.value.errors():
                text = complaint(error, i18n.tr("record"))
                assert text.startswith("["), f"{name}: {error['type']}: {text}"


# Of Qt's methods, those whose text a person reads.
WIDGET_TEXTS = re.compile(
    r"(setText|setToolTip|setWindowTitle|setPlaceholderText|setAccessibleName|addItem|addAction"
    r"|setAccessibleDescription|QLabel|QPushButton|QCheckBox|QRadioButton|QAction|drawText)$"
)


def test_widgets_get_no_text_past_the_seam() -> None:
    wrong = []
    for path in (SOURCE / "ui").rglob("*.py"):
        for node in nodes(path):
            if isinstance(node, ast.Call) and WIDGET_TEXTS.search(ast.unparse(node.func)):
                wrong += [
                    f"{path.relative_to(SOURCE)}:{node.lineno}"
                    # The second argument of `addItem` is data.
                    for argument in node.args[: 1 if "addItem" in ast.unparse(node.func) else None]
                    if is_sentence(argument, words=1)
                ]
    assert wrong == []


def is_sentence(node: ast.AST, words: int = 2) -> bool:
    """Whether it is a text with words in it, written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
    elif isinstance(node, ast.JoinedStr):
        text = " ".join(p.value for p in node.values if isinstance(p, ast.Constant))
    else:
        return False
    text = re.sub(r"<[^>]*>|&\w+;", " ", text)
    units = {"https", "dB", "dBFS", "Hz", "kHz", "ms", "fps", "work", "emolive"}
    found = [word for word in re.findall(r"[A-Za-z]{2,}", text) if word not in units]
    return len(found) >= words


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    i18n.use_language("en")


def test_a_language_holds_for_texts_numbers_and_days() -> None:
    at = datetime(2026, 3, 31, 14, 5)
    assert i18n.moment_text(at) == "2026-03-31 14:05"
    i18n.use_language("de")
    assert i18n.tr("Settings") == "Einstellungen"
    assert i18n.ntr("{count} call", "{count} calls", 2) == "2 Gespräche"
    assert emotion_name(USUAL[4]) == "wütend"
    assert (percent(0.123, 1), duration_text(3.72)) == ("12,3\u00a0%", "3,7 s")
    assert (signed(-0.5, 1), size_text(12_400_000)) == ("−0,5", "12,4 MB")
    assert (clock_tenths(83.4), i18n.decimal(12345.6, 1)) == ("1:23,4", "12.345,6")
    assert i18n.moment_text(at) == "31.03.2026 14:05"
    i18n.use_language("es")
    assert i18n.tr("Settings") == "Ajustes"
    assert (i18n.day_text(at), i18n.decimal(0.5, 1)) == ("31/03/2026", "0,5")


def test_the_systems_language_is_taken_where_there_is_one() -> None:
    i18n.use_language(i18n.SYSTEM, ("de-AT", "en-GB"))
    assert i18n.language() == "de"
    i18n.use_language(i18n.SYSTEM, ("fi-FI", "es-MX"))
    assert i18n.language() == "es", "the first that there is"
    i18n.use_language(i18n.SYSTEM, ("fi-FI",))
    assert i18n.language() == "en"
    i18n.use_language("xx")
    assert i18n.language() == "en"
    names = [i18n.language_name(code) for code in i18n.languages()]
    assert names == ["English", "Deutsch", "Español"]


def test_what_is_said_travels_as_what_it_says() -> None:
    size = i18n.tr("{size} kB", size=i18n.decimal(1.5))
    text = i18n.tr("{path} cannot be read: {error}.", path="a.wav", error=EmoliveError(size))
    count = i18n.ntr("{count} call", "{count} calls", 2)
    sent = [pickle.dumps(one) for one in (text, count, EmoliveError(text))]
    i18n.use_language("de")
    told, counted, error = (pickle.loads(one) for one in sent)
    assert told == str(error) == "a.wav kann nicht gelesen werden: 1,5 kB."
    assert counted == "2 Gespräche"
    assert pickle.loads(pickle.dumps(str(error))) == told, "also what an error says goes on"
    assert copy.deepcopy(told) == told
    assert i18n.with_other(told, "a.wav", "b/a.wav") == "b/a.wav kann nicht gelesen werden: 1,5 kB."
    assert i18n.with_other("as it is", "a.wav", "b") == "as it is"


def test_why_the_system_refused_is_said_in_the_language_in_use(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as raised:
        (tmp_path / "nowhere" / "a.wav").read_bytes()
    for reason in (raised.value, raised.value.strerror):
        error = EmoliveError("{path} cannot be read: {error}.", path="a", error=reason)
        assert str(error) == "a cannot be read: No such file or directory."
    i18n.use_language("de")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == "a kann nicht gelesen werden: Datei oder Ordner nicht gefunden."


def test_a_text_is_said_anew_from_its_parts() -> None:
    held = i18n.tr(
        "{emotions} at {value} for {held} s ({party}).",
        emotions=i18n.alternatives([emotion_name("angry"), emotion_name("sad"), "own"]),
        value=percent(0.724),
        held=i18n.decimal(5.25, 1),
        party=i18n.tr("the customer"),
    )
    text = i18n.tr("{rule}: {what}", rule="Upset {customer}", what=held)
    parts = json.loads(json.dumps(i18n.parts_of(text)))
    assert i18n.said_from(parts) == text
    assert i18n.in_language("de", text) == i18n.in_language("de", i18n.said_from(parts))
    i18n.use_language("de")
    german = "Upset {customer}: wütend, traurig oder own mit 72\u00a0% seit 5,2 s (der Kunde)."
    assert i18n.said_from(parts) == german
    assert i18n.in_language("en", i18n.said_from(parts)) == text
    assert i18n.said_from(i18n.parts_of("as it is")) == "as it is"


@pytest.mark.parametrize(
    "parts",
    [
        None, 7, [], ["tr"], ["tr", "x"], ["run", "x", {}], ["tr", "{a.__class__}", {"a": "x"}],
        ["tr", "{a:>999999999}", {"a": 1}], ["tr", "{a!r}", {"a": 1}], ["tr", "{a}", {"a": None}],
        ["decimal", 1.0, 99], ["ntr", "a", "b", "c", {}], ["tr", "{", {}],
    ],
)  # fmt: skip
def test_parts_that_are_none_are_refused(parts: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whoever asks keeps the text that was stored
        i18n.said_from(parts)


MACHINES = ("json", "csv", "textgrid", "audacity", "vtt", "rttm", "emotionml")


def test_files_for_programs_are_the_same_in_every_language(tmp_path: Path) -> None:
    written = {}
    for language in i18n.languages():
        i18n.use_language(language)
        for name in MACHINES:
            target = tmp_path / f"{language}.{name}"
            FORMATS[name].write(FULL, target)
            written[language, name] = target.read_bytes()
    for (language, name), content in written.items():
        assert content == written["en", name], (language, name)


def test_a_device_nobody_named_is_called_in_the_language_of_the_sentence() -> None:
    i18n.use_language("de")
    assert Speaker().name == "Standardausgang"
    assert Microphone().name == "Standardeingang"
    ticks = ChannelCheck(("left", "right"), 16_000, compare=False)
    ticks.accept(np.tile(np.float32([1.0, 0.1]), (16_000, 1)))
    assert any("Kanal" in said and "left" not in said for said in ticks.remarks())
