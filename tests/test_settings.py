"""Settings: kept whole, forgiven when broken, never lost."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from emolive.errors import EmoliveError
from emolive.settings import Settings, SettingsStore
from emolive.settings_folder import settings_folder


@pytest.fixture
def store(tmp_path: Path) -> SettingsStore:
    return SettingsStore(tmp_path / "emolive" / "settings.json")


def test_without_a_file_the_usual_values_hold(store: SettingsStore) -> None:
    loaded = store.load()
    assert loaded.problem is None
    assert loaded.settings == Settings()
    assert loaded.settings.look.palette == "safe"
    assert not store.path.exists(), "reading writes nothing"


def test_what_is_saved_is_there_again(store: SettingsStore, tmp_path: Path) -> None:
    chosen = (
        Settings()
        .with_values("input", device="Jabra", channels=2)
        .with_values("look", theme="dark", colours={"angry": "#AA0000"}, scale=1.5)
        .with_values("model", file=tmp_path / "own.onnx", provider="cpu")
        .with_values("analysis", hop_s=0.25, threshold=0.4)
        .with_values("window", files=[tmp_path / "a.wav"], width=1280, height=800)
    )
    store.save(chosen)
    if os.name == "posix":
        assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert store.load().settings == chosen
    assert store.load().problem is None
    assert [path.name for path in store.path.parent.iterdir()] == ["settings.json"]


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", "null", "\x00\x01", '"text"'])
def test_a_broken_file_is_told_and_kept(store: SettingsStore, content: str) -> None:
    store.path.parent.mkdir()
    store.path.write_text(content)
    loaded = store.load()
    assert loaded.settings == Settings()
    assert loaded.problem is not None
    assert "settings.broken.json" in loaded.problem
    store.save(loaded.settings)
    assert store.path.with_name("settings.broken.json").read_text() == content
    store.path.write_text(content)
    store.load()
    assert store.path.with_name("settings.broken-2.json").read_text() == content


def test_a_value_that_cannot_be_costs_only_itself(store: SettingsStore) -> None:
    store.path.parent.mkdir()
    values = {
        "look": {"theme": "pink", "palette": "vivid", "colours": {"angry": "red"}},
        "analysis": {"hop_s": "often", "smoothing_s": 2.0},
        "input": 7,
    }
    store.path.write_text(json.dumps(values))
    loaded = store.load()
    assert loaded.settings.look.theme == "system"
    assert loaded.settings.look.palette == "vivid"
    assert loaded.settings.look.colours == {}
    assert loaded.settings.analysis.hop_s == 0.5
    assert loaded.settings.analysis.smoothing_s == 2.0
    assert loaded.settings.input.device is None
    assert loaded.problem is not None
    for name in ("look.theme", "look.colours", "analysis.hop_s", "input"):
        assert name in loaded.problem


def test_entries_of_a_newer_version_survive(store: SettingsStore) -> None:
    store.path.parent.mkdir()
    values = {"look": {"theme": "dark", "sparkle": 3}, "hologram": {"on": True}}
    store.path.write_text(json.dumps(values))
    loaded = store.load()
    assert loaded.problem is None
    store.save(loaded.settings.with_values("look", theme="light"))
    saved = json.loads(store.path.read_text())
    assert saved["look"]["sparkle"] == 3
    assert saved["look"]["theme"] == "light"
    assert saved["hologram"] == {"on": True}


def test_a_save_that_fails_leaves_the_old_file(
    store: SettingsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(Settings().with_values("look", theme="dark"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EmoliveError, match="No space left on device"):
        store.save(Settings())
    assert store.load().settings.look.theme == "dark"
    assert [path.name for path in store.path.parent.iterdir()] == ["settings.json"]


def test_a_value_that_cannot_be_is_not_taken() -> None:
    with pytest.raises(ValidationError):
        Settings().with_values("look", scale=5.0)
    with pytest.raises(ValidationError):
        Settings().with_values("analysis", hop_s=-1)


def test_the_folder_can_be_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMOLIVE_CONFIG", str(tmp_path))
    assert settings_folder() == tmp_path
    assert SettingsStore().path == tmp_path / "settings.json"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["theme", "hop_s", "device", "files", "colours", "file", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(["input", "look", "analysis", "model", "window", "recording", "x"]),
        json_values,
    )
)
def test_any_json_is_read(tmp_path_factory: pytest.TempPathFactory, values: dict) -> None:
    store = SettingsStore(tmp_path_factory.mktemp("settings") / "settings.json")
    store.path.write_text(json.dumps(values))
    loaded = store.load()
    store.save(loaded.settings)
    assert store.load().problem is None


@pytest.mark.parametrize(
    "content", ["[" * 3_000, '{"look":' * 3_000 + "1" + "}" * 3_000, '{"x": "' + "y" * 2_000_000]
)
def test_what_nobody_writes_is_the_usual_settings(tmp_path: Path, content: str) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    store.path.write_text(content)
    loaded = store.load()
    assert loaded.settings == Settings()
    assert loaded.problem is not None
