from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from emolive.baseline import ExpectedMix, ProfileStore, Source, SourceBaselines
from emolive.errors import EmoliveError
from emolive.types import Role
from tests.baseline.answers import answers, usual_mix
from tests.baseline.test_evidence import session
from tests.models import LABELS


def source(name: str = "Headset", **fields: object) -> Source:
    return Source.model_validate({"name": name, "model": "abc", "labels": LABELS, **fields})


def test_a_profile_comes_back(tmp_path: Path) -> None:
    store = ProfileStore(tmp_path)
    assert not store.folder.exists()
    assert store.profile(source()).sessions == 0
    assert not store.folder.exists()  # looking makes nothing
    heard = session(answers(usual_mix(), 300), 300)
    store.add(source(), heard, 5.0)
    found = ProfileStore(tmp_path).profile(source())
    assert (found.sessions, found.heard_minutes) == (1, 5.0)
    assert found.evidence.minutes == pytest.approx(5.0)
    expected = heard.vector(ExpectedMix(), LABELS)
    assert found.evidence.vector(ExpectedMix(), LABELS) == pytest.approx(expected, abs=0.01)


def test_sources_are_kept_apart() -> None:
    ids = {
        source().id,
        source("Other").id,
        source(role=Role.AGENT).id,
        source(role=Role.CUSTOMER).id,
        source(group="de").id,
        source(stream="left").id,
        source(model="def").id,
        source(labels=("neutral", "angry")).id,
    }
    assert len(ids) == 8
    assert source().id == source().id
    assert source(role=Role.CUSTOMER, group="de").title == "Headset, customer, de"


@pytest.mark.skipif(os.name != "posix", reason="no permissions like these")
def test_it_belongs_to_its_owner_and_holds_no_sound(tmp_path: Path) -> None:
    store = ProfileStore(tmp_path)
    store.add(source(), session(answers(usual_mix(), 3_000), 3_000), 50.0)
    (path,) = store.folder.glob("*.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert path.stat().st_size < 64_000
    assert set(json.loads(path.read_bytes())) == {
        "version", "source", "sessions", "heard_minutes", "updated_at", "logs", "weights",
    }  # fmt: skip


def test_many_may_add_at_once(tmp_path: Path) -> None:
    heard = session(answers(usual_mix(), 50), 60)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: ProfileStore(tmp_path).add(source(), heard, 1.0), range(12)))
    assert ProfileStore(tmp_path).profile(source()).sessions == 12


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b"\xff" * 100])
def test_a_damaged_one_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    store = ProfileStore(tmp_path)
    store.add(source("Other"), session(answers(usual_mix(), 50), 60), 1.0)
    (store.folder / f"{source().id}.json").write_bytes(content)
    assert store.profile(source()).sessions == 0
    assert [one.source.name for one in store.profiles()] == ["Other"]
    assert store.add(source(), session(answers(usual_mix(), 50), 60), 1.0).sessions == 1
    assert (store.folder / f"{source().id}.broken").read_bytes() == content  # what was there stays
    assert store.forget() == 2
    assert [path.name for path in store.folder.iterdir() if path.suffix == ".broken"] == []


@pytest.mark.parametrize("name", ["", "a\udcff/b", "Mikrofon \u00fc", "x" * 9_000, "\x1b[31m\n"])
def test_any_name_is_a_source(tmp_path: Path, name: str) -> None:
    store = ProfileStore(tmp_path)
    added = store.add(source(name, group=name), session(answers(usual_mix(), 50), 60), 1.0)
    assert store.profile(source(name, group=name)).sessions == 1
    assert store.find(added.source.id).source == added.source
    assert added.source.title


def test_numbers_that_cannot_be_are_no_profile(tmp_path: Path) -> None:
    store = ProfileStore(tmp_path)
    store.add(source(), session(answers(usual_mix(), 50), 60), 1.0)
    (path,) = store.folder.glob("*.json")
    values = json.loads(path.read_bytes())
    values["weights"] = values["weights"][:-1]
    path.write_text(json.dumps(values))
    assert store.profile(source()).sessions == 0


def test_one_is_found_and_forgotten_by_its_id(tmp_path: Path) -> None:
    store = ProfileStore(tmp_path)
    assert store.forget() == 0
    for name in ("One", "Two", "Three"):
        store.add(source(name), session(answers(usual_mix(), 50), 60), 1.0)
    one = store.profiles()[-1].source
    assert one.name == "One"
    assert store.find(one.id[:6]).source == one
    with pytest.raises(EmoliveError, match="emolive baseline list"):
        store.find("nothing")
    assert store.forget(one.id) == 1
    assert {profile.source.name for profile in store.profiles()} == {"Two", "Three"}
    assert store.forget() == 2
    assert store.profiles() == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = ProfileStore(tmp_path / "file")
    with pytest.raises(EmoliveError, match="--baseline off"):
        store.add(source(), session(answers(usual_mix(), 50), 60), 1.0)


def test_a_run_enters_what_it_heard_once(tmp_path: Path) -> None:
    store = ProfileStore(tmp_path)
    run = SourceBaselines(store, lambda: "Line 1", ExpectedMix())
    agent = run.open("agent", Role.AGENT, "abc", LABELS)
    customer = run.open("customer", Role.CUSTOMER, "abc", LABELS)
    for row in answers(usual_mix(), 400):
        customer.adjust(row, 0.5)
    run.keep()
    run.keep()
    (profile,) = store.profiles()  # nothing was inferred of the agent
    assert profile.source.role is Role.CUSTOMER
    assert (profile.sessions, profile.heard_minutes) == (1, pytest.approx(400 / 120))
    assert agent.told.minutes == 0
    again = SourceBaselines(store, lambda: "Line 1", ExpectedMix())
    known = again.open("customer", Role.CUSTOMER, "abc", LABELS).told
    assert (known.sessions, known.source) == (1, "Line 1, customer")
    assert known.minutes == pytest.approx(400 / 120)
    assert known.strength > 0
    left = again.open("left", None, "abc", LABELS)
    assert left.told.source == "Line 1, left"
    assert np.array_equal(left.adjust(answers(usual_mix(), 1)[0], 0.5), answers(usual_mix(), 1)[0])
