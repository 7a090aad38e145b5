"""An adapted model's file: kept, found by its name, opened like any model, or refused."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emolive import analyze, i18n
from emolive.adapt import shelf
from emolive.adapt.wording import verdict_text
from emolive.errors import EmoliveError, ModelError
from emolive.features import model_input
from emolive.inference.adapted_file import AdaptedModel, adapted_path, read_adapted
from emolive.inference.fallback import FallbackClassifier
from emolive.inference.loading import load_classifier, open_model
from emolive.resources import DEMO_AUDIO, asset
from tests.adapt.taught import base_model, speech, taught, voices
from tests.models import tiny_metadata, tiny_model, waveform_metadata


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def model(base: Path, tmp_path_factory: pytest.TempPathFactory) -> AdaptedModel:
    folder = tmp_path_factory.mktemp("voices")
    manifest = voices(folder, 8, ("confident", "hesitant", "neutral"))
    return taught(base, manifest).model


def test_it_is_used_by_its_name(model: AdaptedModel, base: Path) -> None:
    shelf.keep(model)
    classifier = load_classifier(Path("mine"), "cpu")
    network = open_model(base, "cpu")
    try:
        assert classifier.metadata.name == "mine"
        assert classifier.metadata.labels == ("neutral", "confident", "hesitant")
        assert classifier.metadata.embedding_size == network.metadata.embedding_size
        assert classifier.metadata.fingerprint != network.metadata.fingerprint
        windows = np.stack(
            [model_input(speech()[i : i + 48_000], network.metadata.front_end) for i in (0, 80_000)]
        )
        output, under = classifier.predict(windows), network.predict(windows)
        assert output.logits.dtype == np.float32
        assert output.embedding is not None
        assert under.embedding is not None
        np.testing.assert_array_equal(output.embedding, under.embedding)
        # Redone in double precision from the file's numbers.
        scaled = under.logits.astype(float) / network.metadata.temperature
        logs = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        features = np.concatenate((under.embedding, np.maximum(logs, -12)), axis=1)
        expected = features @ np.array(model.weights).T + np.array(model.bias)
        np.testing.assert_allclose(output.logits, expected, atol=2e-4)
        assert len(classifier.predict(windows[:0])) == 0
    finally:
        classifier.close()
        network.close()


def test_a_recording_is_analysed_with_own_labels(model: AdaptedModel) -> None:
    shelf.keep(model)
    timeline = analyze(asset(DEMO_AUDIO), model="mine")
    assert timeline.model == "mine"
    assert timeline.labels == ("neutral", "confident", "hesitant")
    spoken = [w for w in timeline.streams[0].windows if w.probabilities is not None]
    assert spoken
    assert all(abs(float(w.probabilities.sum()) - 1) < 1e-5 for w in spoken)


def test_it_says_what_it_was_taught_and_nothing_of_where(model: AdaptedModel) -> None:
    path = shelf.keep(model)
    text = path.read_text(encoding="utf-8")
    assert "confident-0.wav" not in text
    assert "labels.csv" not in text
    assert "speaker" not in json.dumps(json.loads(text)["sources"])
    assert set(model.taught) == {"neutral", "confident", "hesitant"}
    assert all(4 <= n <= 8 for n in model.taught.values())  # nobody speaks in some
    assert sum(source.labels for source in model.sources) == sum(model.taught.values())
    assert [source.kind for source in model.sources] == ["manifest"]
    assert path.stat().st_size < 100_000
    assert read_adapted(path) == model
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_base_is_refused(model: AdaptedModel, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    weights = np.full((16, 8), 0.1, np.float32)
    tiny_model(other, waveform_metadata(name="tiny base"), weights=weights)
    changed = model.model_copy(
        update={"base": model.base.model_copy(update={"choice": str(other)})}
    )
    shelf.keep(changed)
    with pytest.raises(ModelError, match=r"mine was taught on another tiny base .* again"):
        open_model(Path("mine"), "cpu")
    # The same words with the right fingerprint, but a layer of another size.
    tiny_model(other, tiny_metadata(name="tiny base"))
    from emolive.inference.model_files import ModelFiles

    about = changed.base.model_copy(update={"sha256": ModelFiles.of(other).sha256})
    shelf.keep(changed.model_copy(update={"base": about}))
    with pytest.raises(ModelError, match="does not fit"):
        open_model(Path("mine"), "cpu")
    shelf.keep(model.model_copy(update={"base": about.model_copy(update={"choice": "gone.onnx"})}))
    with pytest.raises(ModelError, match=r"gone\.onnx does not exist"):
        open_model(Path("mine"), "cpu")


@pytest.mark.parametrize("name", ["mine.json", "mine", "mine.adapted.json.txt", "mine.onnx"])
def test_a_copy_without_its_ending_is_told_what_it_is(
    model: AdaptedModel, tmp_path: Path, name: str
) -> None:
    copy = tmp_path / name
    shutil.copy(shelf.keep(model), copy)
    with pytest.raises(ModelError, match=r"was taught.* rename it to mine\.adapted\.json"):
        open_model(copy, "cpu")
    assert open_model(copy.rename(tmp_path / "mine.adapted.json"), "cpu").metadata.name == "mine"


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\xff\xfe", b'{"format": "emolive adapted model"}', b"[" * 100_000],
)
def test_a_damaged_file_is_told_in_a_sentence(content: bytes) -> None:
    path = adapted_path("broken")
    assert path is not None
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.adapted\.json .* again"):
        open_model(Path("broken"), "cpu")
    models, problems = shelf.kept()
    assert not models
    assert len(problems) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"weights": ((1.0, 2.0),)},
        {"bias": (1.0,)},
        {"temperature": 0.0},
        {"weights": ((float("nan"),) * 14,) * 3},
        {"labels": ("a",)},
    ],
)
def test_numbers_that_cannot_be_are_refused(model: AdaptedModel, change: dict[str, object]) -> None:
    path = adapted_path("broken")
    assert path is not None
    text = model.model_copy(update=change).model_dump_json()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="again"):
        read_adapted(path)


@pytest.mark.parametrize(
    "name",
    ["fast", "Accurate", "bundled", "", "..", "../mine", "a/b", "a\\b", ".hidden", "x.onnx",
     "x.adapted.json", "a" * 90, "new\nline", "-rf", "trailing."],
)  # fmt: skip
def test_names_that_no_model_can_have(name: str) -> None:
    with pytest.raises(EmoliveError):
        shelf.check_name(name)


@pytest.mark.parametrize("name", ["mine", "Müllers Anrufe", "team-b_2", "v1.2", "客服"])
def test_names_that_a_model_can_have(name: str, model: AdaptedModel) -> None:
    shelf.keep(model.model_copy(update={"name": name}))
    assert [one.name for one in shelf.kept()[0]] == [name]
    classifier = open_model(Path(name), "cpu")
    assert classifier.metadata.name == name
    classifier.close()
    shelf.remove(name)
    assert not shelf.kept()[0]
    with pytest.raises(EmoliveError, match="There is no taught model"):
        shelf.remove(name)


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(ModelError, match="There is no model nosuch: `emolive models`"):
        open_model(Path("nosuch"), "cpu")
    with pytest.raises(ModelError, match=r"nosuch\.adapted\.json does not exist"):
        open_model(Path("nosuch.adapted.json"), "cpu")


def test_it_runs_without_scikit_learn(model: AdaptedModel) -> None:
    shelf.keep(model)
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import emolive, numpy as np\n"
        "timeline = emolive.analyze(np.zeros(48000, np.float32), 16000, model='mine')\n"
        "print(timeline.labels)\n"
        "assert not [name for name in sys.modules if name.startswith(('sklearn.', 'scipy'))]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "confident" in done.stdout


def test_a_lost_graphics_card_is_survived(model: AdaptedModel, card: list[bool]) -> None:
    shelf.keep(model)
    classifier = load_classifier(Path("mine"))
    assert isinstance(classifier, FallbackClassifier)
    assert classifier.provider == "CUDA"
    window = np.zeros((1, 48_000), np.float32)
    before = classifier.predict(window)
    card[0] = True
    after = classifier.predict(window)
    assert classifier.provider == "CPU"
    assert classifier.fallen_back
    np.testing.assert_allclose(before.logits, after.logits, atol=1e-5)
    classifier.close()


def test_what_came_of_it_is_said_in_the_words_of_the_program(model: AdaptedModel) -> None:
    """The base as people choose it; nothing gained is said; numbers as written."""
    bundled = model.base.model_copy(update={"choice": "accurate", "name": "some-network"})
    judged = model.judgement.model_copy(
        update={"verdict": "not shown", "guessing": False, "low": -0.02, "gain": 0.04, "high": 0.1}
    )
    close = model.model_copy(update={"base": bundled, "judgement": judged})
    assert "not shown to be better than accurate" in verdict_text(close)
    assert "(+4.0 points, in 95 of 100 cases between −2.0 and +10.0)" in verdict_text(close)
    nothing = judged.model_copy(update={"low": 0.0, "gain": 0.0, "high": 0.0})
    same = verdict_text(close.model_copy(update={"judgement": nothing}))
    assert same.startswith("“mine” answers as accurate does so far")
    i18n.use_language("de")
    try:
        assert "−2,0 und +10,0" in verdict_text(close)
    finally:
        i18n.use_language("en")


def test_a_base_that_decides_nothing_says_nothing_of_how_sure_is_enough(tmp_path: Path) -> None:
    manifest = voices(tmp_path, 8)
    thresholds = []
    for number, scores in enumerate(({}, {"coverage": 0.0, "selective accuracy": 0.0})):
        base = tmp_path / f"{number}.onnx"
        tiny_model(base, waveform_metadata(name="tiny base", scores=scores))
        thresholds.append(taught(base, manifest).model.abstention_threshold)
    assert thresholds[0] == thresholds[1]
