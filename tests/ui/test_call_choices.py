"""Which calls files hold, by their names and channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from emolive.monitoring.sources import CallKind, calls_in, look_into, party_in
from emolive.types import Role


@pytest.mark.parametrize(
    ("name", "role", "rest"),
    [
        ("auto_repairs_40_agent.flac", Role.AGENT, "auto_repairs_40"),
        ("auto_repairs_40_caller.flac", Role.CUSTOMER, "auto_repairs_40"),
        ("Agent-0007.wav", Role.AGENT, "0007"),
        ("call 12 (customer).wav", Role.CUSTOMER, "call 12"),
        ("agenda.wav", None, "agenda"),
        ("callerid.wav", None, "callerid"),
        ("agent.wav", Role.AGENT, "agent"),
    ],
)
def test_a_name_tells_who_is_heard(name: str, role: Role | None, rest: str) -> None:
    assert party_in(Path(name)) == (role, rest)


def test_pairs_are_found_among_other_files() -> None:
    names = ("a_caller.wav", "b_agent.wav", "a_agent.wav", "stereo.wav", "b_client.wav", "mono.wav")
    calls = calls_in([Path(name) for name in names], (1, 1, 1, 2, 1, 1))
    assert [(call.name, call.kind) for call in calls] == [
        ("a", CallKind.TWO_FILES),
        ("b", CallKind.TWO_FILES),
        ("mono", CallKind.MONO_FILE),
        ("stereo", CallKind.STEREO_FILE),
    ]
    assert [path.name for path in calls[0].files] == ["a_agent.wav", "a_caller.wav"]
    assert calls[3].agent == "left"
    assert not calls[2].has_agent


def test_pairs_are_not_made_across_folders() -> None:
    calls = calls_in([Path("x/a_agent.wav"), Path("y/a_caller.wav"), Path("z.wav")], (1, 1, 1))
    assert {call.kind for call in calls} == {CallKind.MONO_FILE}


def test_two_files_without_names_are_agent_and_customer_and_can_be_exchanged() -> None:
    (call,) = calls_in([Path("one.wav"), Path("two.wav")], (1, 1))
    assert [path.name for path in call.files] == ["one.wav", "two.wav"]
    assert [path.name for path in call.swapped().files] == ["two.wav", "one.wav"]


def test_a_bad_file_is_told_and_the_others_are_listed(tmp_path: Path) -> None:
    good, bad = tmp_path / "call.wav", tmp_path / "bad.wav"
    soundfile.write(good, np.zeros((800, 2), np.float32), 8_000)
    bad.write_bytes(b"no audio")
    calls, problems = look_into([good, bad, good])
    assert [call.kind for call in calls] == [CallKind.STEREO_FILE]
    assert len(problems) == 1
    assert "bad.wav" in problems[0]
