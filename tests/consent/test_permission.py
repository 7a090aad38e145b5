from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emolive import i18n, toml_files
from emolive.consent.permission import (
    DECLINED,
    GRANTED,
    STATEMENT,
    Statement,
    agent_permission,
    grant_by_policy,
)
from emolive.consent.policy import FILE_NAME, PolicyFile, load_policy
from emolive.engine.config import EngineConfig
from emolive.errors import EmoliveError, SessionError
from emolive.session.audit_log import login_name
from emolive.session.library import Library
from emolive.types import Role

PERMITS = """
[agent_emotion]
infer = true
statement = 1
responsible = "Jane Doe"
basis = "Safety of dispatchers"
"""
FORBIDS = "[agent_emotion]\ninfer = false\n"


@pytest.fixture
def sessions(library: Path) -> Iterator[Library]:
    with Library.open(library) as opened:
        yield opened


def policy(folder: Path, text: str) -> PolicyFile:
    (folder / FILE_NAME).write_text(text)
    found = load_policy(None, folder)
    assert found is not None
    return found


class Person:
    """Somebody who is asked."""

    def __init__(self, *, agrees: bool) -> None:
        self.agrees = agrees
        self.asked: list[Statement] = []

    def __call__(self, statement: Statement) -> bool:
        self.asked.append(statement)
        return self.agrees


def test_off_unless_asked_for(sessions: Library) -> None:
    person = Person(agrees=True)
    assert agent_permission(sessions, "c", None, wanted=False, confirm=person) is None
    assert person.asked == []
    assert sessions.audit_log() == []
    assert not EngineConfig().infers_emotion(Role.AGENT)


def test_a_person_confirms_for_one_call_and_the_log_tells(sessions: Library) -> None:
    person = Person(agrees=True)
    permission = agent_permission(sessions, "call-7", None, wanted=True, confirm=person)
    assert permission is not None
    assert person.asked == [STATEMENT]
    assert "Article 5(1)(f)" in permission.statement
    assert permission.granted_by == login_name()
    assert datetime.now(UTC) - permission.granted_at < timedelta(minutes=1)
    (entry,) = sessions.audit_log()
    assert (entry.actor, entry.action) == (login_name(), GRANTED)
    assert entry.details == {
        "call": "call-7",
        "how": "confirmed",
        "statement_version": STATEMENT.version,
        "statement_sha256": hashlib.sha256(STATEMENT.text.encode()).hexdigest(),
    }
    assert EngineConfig(agent_permission=permission).infers_emotion(Role.AGENT)
    # Off again for the next call.
    assert agent_permission(sessions, "call-8", None, wanted=False, confirm=person) is None


def test_a_person_declines(sessions: Library) -> None:
    person = Person(agrees=False)
    assert agent_permission(sessions, "c", None, wanted=True, confirm=person) is None
    assert [entry.action for entry in sessions.audit_log()] == [DECLINED]


def test_without_a_log_there_is_no_permission(library: Path) -> None:
    sessions = Library.open(library)
    with sessions.database.writing() as connection:
        connection.execute("DROP TABLE audit")
    with pytest.raises(SessionError):
        agent_permission(sessions, "c", None, wanted=True, confirm=Person(agrees=True))
    sessions.close()


def test_a_policy_permits_every_call_with_its_fingerprint(
    sessions: Library, tmp_path: Path
) -> None:
    found = policy(tmp_path, PERMITS)
    person = Person(agrees=False)
    for call in ("1", "2"):
        permission = agent_permission(sessions, call, found, wanted=False, confirm=person)
        assert permission is not None
        assert permission.granted_by == f"Jane Doe ({tmp_path / FILE_NAME})"
    assert person.asked == []
    first, second = sessions.audit_log()
    assert first.details["call"] == "1"
    assert second.details["call"] == "2"
    assert first.details["policy"] == str(tmp_path / FILE_NAME)
    assert first.details["policy_sha256"] == hashlib.sha256(PERMITS.encode()).hexdigest()
    assert first.details["responsible"] == "Jane Doe"
    assert first.details["basis"] == "Safety of dispatchers"


def test_a_policy_forbids_what_a_person_wants(sessions: Library, tmp_path: Path) -> None:
    found = policy(tmp_path, FORBIDS)
    person = Person(agrees=True)
    assert agent_permission(sessions, "c", found, wanted=False, confirm=person) is None
    with pytest.raises(EmoliveError, match="does not permit to infer agents' emotions"):
        agent_permission(sessions, "c", found, wanted=True, confirm=person)
    with pytest.raises(EmoliveError, match="does not permit"):
        grant_by_policy(sessions, "c", found)
    assert person.asked == []
    assert sessions.audit_log() == []


def test_a_policy_that_says_nothing_leaves_it_to_the_person(
    sessions: Library, tmp_path: Path
) -> None:
    found = policy(tmp_path, "version = 1")
    person = Person(agrees=True)
    assert agent_permission(sessions, "c", found, wanted=True, confirm=person) is not None
    assert len(person.asked) == 1


def test_a_policy_for_another_text_has_to_be_read_again(sessions: Library, tmp_path: Path) -> None:
    found = policy(tmp_path, PERMITS.replace("statement = 1", "statement = 99"))
    with pytest.raises(EmoliveError, match=r"version 99 of the statement.*set statement = 1\."):
        agent_permission(sessions, "c", found, wanted=False, confirm=Person(agrees=True))
    assert sessions.audit_log() == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[agent_emotion]\ninfer = true\n",
            "policy.toml, [agent_emotion]: infer = true needs statement, responsible and basis.",
        ),
        ("[agent_emotion]\n", "policy.toml, [agent_emotion]: the key 'infer' is missing."),
        ("[agent]\ninfer = true\n", "policy.toml: there is no key 'agent'."),
        ("version = 2", "policy.toml: 'version' must be 1, not 2."),
    ],
)
def test_a_policy_that_is_not_understood_is_not_passed_over(
    tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(EmoliveError) as caught:
        load_policy(None, tmp_path)
    assert str(caught.value) == f"{tmp_path}/{sentence}"


def test_where_policies_are_looked_for(tmp_path: Path) -> None:
    assert load_policy(None, tmp_path) is None
    with pytest.raises(EmoliveError, match="There is no policy file at"):
        load_policy(tmp_path / "mine.toml", tmp_path)


@pytest.mark.parametrize("language", i18n.languages())
def test_the_example_is_valid_both_ways(tmp_path: Path, language: str) -> None:
    i18n.use_language(language)
    text = toml_files.example("emolive.consent")
    i18n.use_language("en")
    assert policy(tmp_path, text).forbids
    full = text.replace("infer = false ", "infer = true ").replace("\n# ", "\n")
    begin = full.index("version = 1")
    lines = [
        line
        for line in full[begin:].splitlines()
        if "=" in line.split("#")[0] or line.startswith("[")
    ]
    needed = [line for line in lines if not line.startswith(("Needed", "Nötig", "Hacen"))]
    found = policy(tmp_path, "\n".join(needed))
    assert found.permits
    assert found.policy.agent_emotion is not None
    assert found.policy.agent_emotion.statement == STATEMENT.version


def test_the_statement_says_what_it_must() -> None:
    for part in ("European Union", "prohibited", "5(1)(f)", "this call only", "audit log"):
        assert part in STATEMENT.text
