"""Every recipe of the related systems takes a real step, answers, and is what its paper says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

import torch

import training
from emolive.labels import position_of
from training.cache import AudioCache, CachedClip
from training.covada import PITCH_SEMITONES, convert, revealing
from training.edrl import EdrlNet, align
from training.emosphere import ORIGIN, concordance, places, regions
from training.encoder_outputs import EncoderOutputs, load_encoder
from training.evaluate import clip_probabilities, conditions, window_logits
from training.heard import HeardOutputs
from training.labels import INDEX, LABELS
from training.models import EncoderBody, LayerMix, build_model
from training.protocols import folds
from training.recipe import Augmentation, CorpusRecipe, Recipe, Stage, load_recipe
from training.results import FoldResult, load_result
from training.splits import noise_clips
from training.state import new_state
from training.study import answer_fold, load_study
from training.teachers import average
from training.train import answerer, predict, predict_clips, train
from training.waveforms import Chance, mix_by_energy
from training.whisper import WhisperEncoder

pytestmark = pytest.mark.training

_ENCODER = WhisperEncoder(2)
_FOLDER = Path(training.__file__).parent
_TRAINED = [
    row.recipe
    for row in load_study(_FOLDER / "related.toml").rows
    if load_recipe(_FOLDER / "recipes" / f"{row.recipe}.toml").model == "whisper-encoder"
    and row.recipe not in ("whisper-frozen-4", "whisper-adapted")
]


def _small(name: str) -> Recipe:
    """A recipe of the study on the generated corpus: one epoch of two steps."""
    recipe = load_recipe(_FOLDER / "recipes" / f"{name}.toml")
    changes = {
        "corpora": {"ravdess": CorpusRecipe(clips_per_epoch=16)},
        "stages": (Stage(epochs=1),),
        "batch_size": 8,
        "copies": min(recipe.copies, 1),
        "validate_every": 1,
        "encoder": recipe.encoder.model_copy(
            update={"blocks": min(recipe.encoder.blocks, 2), "kept": min(recipe.encoder.kept, 1)}
        ),
    }
    return recipe.model_copy(update=changes)


@pytest.mark.parametrize("name", _TRAINED)
def test_a_step_is_taken(name: str, cache: AudioCache, tmp_path: Path) -> None:
    recipe = _small(name)
    if recipe.converted:
        pytest.importorskip("pyworld", reason="needs the extra voices")
    fold = folds("speaker-independent", cache.clips, recipe)[0]
    state = train(cache, recipe, fold.split, tmp_path)
    fresh = new_state(
        recipe, 2, torch.ones(8), torch.device("cpu"), None, None if recipe.frozen else _ENCODER
    )
    before, after = fresh.model.head.weight, state.model.head.weight
    assert torch.isfinite(after).all()
    assert not torch.equal(before, after)


@pytest.mark.parametrize("name", ["quick-edrl-mea", "emosphere"])
def test_a_fold_is_answered(name: str, cache: AudioCache, tmp_path: Path) -> None:
    recipe = _small(name)
    fold = folds("speaker-independent", cache.clips, recipe)[0]
    result = answer_fold(cache, recipe, fold, tmp_path / "run", None, (), 0)
    n = len(fold.split.test)
    assert n == 16
    for logits in result.window_logits.values():
        assert logits.shape == (n, 8)
        assert np.isfinite(logits).all()
    for probabilities in result.clip_probabilities.values():
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-4)
    assert (result.dimensions is not None) == (name == "emosphere")
    if result.dimensions is not None:
        assert result.dimensions.shape == (n, 3)
        assert np.abs(result.dimensions).max() <= 1
    result.save(tmp_path / "kept")
    again = load_result(tmp_path / "kept")
    np.testing.assert_array_equal(again.window_logits["clean"], result.window_logits["clean"])
    assert (again.dimensions is None) == (result.dimensions is None)


@pytest.mark.parametrize(
    "name", ["light-linear", "light-top", "light-attentive", "light-finetuned"]
)
def test_what_is_kept_is_what_the_encoder_would_say(
    name: str, cache: AudioCache, tmp_path: Path
) -> None:
    """Statistics, frames, a block that stays: what reads them, kept, answers as the whole does."""
    recipe = _small(name)
    fold = folds("speaker-independent", cache.clips, recipe)[0]
    state = train(cache, recipe, fold.split, tmp_path)
    net, some = state.ema.module, fold.split.test[:3]
    whole = answerer(net, cache, recipe)
    heard = HeardOutputs(cache, recipe, some, torch.device("cpu"))
    disturb = conditions(noise_clips(cache.clips), cache, 16_000)["noise 0 dB"]

    def ask(features: np.ndarray) -> np.ndarray:
        return predict(whole, features, (1, 1))

    np.testing.assert_allclose(
        heard.window_logits(net, disturb, "noise 0 dB"),
        window_logits(ask, cache, some, recipe, disturb),
        atol=0.15,  # bfloat16: three significant digits of a sum of a thousand
    )
    np.testing.assert_allclose(
        heard.clip_probabilities(net, disturb, "noise 0 dB"),
        clip_probabilities(ask, cache, some, recipe, 1.0, disturb),
        atol=0.03,
    )


@pytest.mark.parametrize("name", ["light-finetuned", "light-adapted"])
def test_a_tuned_block_starts_where_its_head_stopped(
    name: str, cache: AudioCache, tmp_path: Path
) -> None:
    top, tuned = _small("light-top"), _small(name)
    assert tuned.initial == "fold:light-top"
    fold = folds("speaker-independent", cache.clips, top)[0]
    head = train(cache, top, fold.split, tmp_path).ema.module
    encoder = load_encoder(cache, tuned)
    fresh = new_state(tuned, 2, torch.ones(8), torch.device("cpu"), tmp_path, encoder).model
    some = fold.split.test
    np.testing.assert_allclose(
        predict_clips(fresh, cache, some, tuned, (1, 1)),
        predict_clips(head, cache, some, top, (1, 1)),
        atol=0.15,
    )


def test_mixtures_are_of_one_speaker_and_kept(cache: AudioCache) -> None:
    """Else a copy of a training clip would hold the voice of a test speaker."""
    recipe = _small("mll")
    clips = folds("speaker-independent", cache.clips, recipe)[0].split.train
    outputs = EncoderOutputs(cache, recipe, torch.device("cpu"))
    copies = np.ones(len(clips), np.int64)
    partners, shares = outputs.mixed(clips, copies)
    assert [p.speaker for p in partners] == [c.speaker for c in clips]
    assert any(p.emotion != c.emotion for p, c in zip(partners, clips, strict=True))
    assert 0.2 < float(shares.min()) < float(shares.max()) < 1
    assert outputs.of(clips, copies).shape == (len(clips), 3, 30, 512)
    itself, whole = outputs.mixed(clips, 0 * copies)
    assert itself == clips
    assert bool((whole == 1).all())
    again = EncoderOutputs(cache, recipe, torch.device("cpu")).mixed(clips, copies)
    assert again[0] == partners
    torch.testing.assert_close(again[1], shares)


def test_a_block_that_stays_is_not_tuned() -> None:
    recipe = _small("light-finetuned")
    net = build_model(recipe, encoder=WhisperEncoder(2))
    tuned = {name for name, p in net.named_parameters() if p.requires_grad}
    assert any(name.startswith("body.encoder.layers.1.") for name in tuned)
    assert not any(name.startswith("body.encoder.layers.0.") for name in tuned)
    assert not any("conv" in name or "positions" in name for name in tuned)


def test_a_converted_voice_is_another_voice_that_says_the_same() -> None:
    pytest.importorskip("pyworld", reason="needs the extra voices")
    rng, rate = np.random.default_rng(1), 16_000
    t = np.arange(2 * rate) / rate
    loud = 0.05 + 0.2 * np.sin(2 * np.pi * 1.5 * t) ** 2
    pulses = np.sum([np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 30)], axis=0)
    voice = (loud * pulses + rng.normal(0, 1e-4, t.size)).astype(np.float32)
    other = convert(voice, np.random.default_rng(1))
    assert other.shape == voice.shape
    assert np.std(other) == pytest.approx(np.std(voice), rel=0.01)

    def pitch(x: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(x * np.hanning(x.size)))
        frequencies = np.fft.rfftfreq(x.size, 1 / rate)
        inside = (frequencies > 70) & (frequencies < 200)
        return float(frequencies[inside][spectrum[inside].argmax()])

    semitones = abs(12 * np.log2(pitch(other) / pitch(voice)))
    assert PITCH_SEMITONES[0] - 0.5 < semitones < PITCH_SEMITONES[1] + 0.5
    # As loud at each moment as it was: how it is spoken stays.
    moments = [np.sqrt(np.mean(x.reshape(-1, 800) ** 2, axis=1)) for x in (voice, other)]
    assert np.corrcoef(*moments)[0, 1] > 0.9


def test_revealing_clips_are_those_of_speakers_who_mark_their_class() -> None:
    """Speaker 0 says one class in a way that nobody else does."""
    rng = np.random.default_rng(0)
    clips, rows = [], []
    for speaker in range(4):
        for i in range(40):
            emotion = ("happy", "sad")[i % 2]
            x = np.zeros(1024)
            x[:20] = rng.normal(0, 0.3, 20)
            x[0] += 4 * (i % 2) if speaker else 0
            x[1] += 6 * (i % 2) if not speaker else 0
            rows.append(x)
            name = f"{speaker}-{i}"
            who = f"{speaker}"
            clips.append(CachedClip(name, "ravdess", who, "male", "en", emotion, 0, 1, name))
    statistics = torch.from_numpy(np.array(rows, np.float32))[:, None]
    found = revealing(statistics, clips, 0.1)
    assert len(found) == 16
    assert sum(clip.speaker == "0" for clip in found) >= 12


def test_energy_adaptive_mixup_shares_labels_by_energy() -> None:
    settings = Augmentation(energy_mixup=1.0, energy_mixup_db=(0.0, 0.0))
    chance = Chance(0, torch.device("cpu"))
    x = chance.normal(64, 8_000)
    order = torch.arange(64).roll(1)
    mixed, share = mix_by_energy(x, x[order], settings, chance)
    added = (mixed - x).square().sum(1) / x.square().sum(1)
    torch.testing.assert_close(share[:, 0], 1 / (1 + added), atol=1e-4, rtol=0)
    # As loud as the clip itself, but only over a stretch of 30 to 100 % of it.
    assert float(share.min()) >= 0.48
    assert float(share.max()) <= 0.80
    silent = torch.zeros_like(x)
    kept, own = mix_by_energy(x, silent, settings, chance)
    torch.testing.assert_close(kept, x)
    assert float(own.min()) == 1.0


def test_the_sphere_has_the_published_places() -> None:
    where, octants = places(), regions()
    for label, place in zip(LABELS, where.tolist(), strict=True):
        published = position_of(label)
        assert published is not None
        assert place[:2] == pytest.approx([published.valence, published.arousal])
    assert int(octants[INDEX["neutral"]]) == ORIGIN
    # Angry and fearful differ in dominance alone, which is why there are three dimensions.
    assert octants[INDEX["angry"]] != octants[INDEX["fearful"]]
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(concordance(x, x), torch.ones(3))
    assert float(concordance(x, x + 1)[0]) < 0.9
    torch.testing.assert_close(concordance(x, -x + 2 * x.mean(0)), -torch.ones(3))


def test_alignment_finds_the_classes_again() -> None:
    """Random blocks, a head of zeros: the joint subspace with the input alone must tell classes."""
    recipe = _small("quick-edrl-mea")
    torch.manual_seed(0)
    net = build_model(recipe)
    assert isinstance(net, EdrlNet)
    assert isinstance(net.body, EncoderBody)
    assert isinstance(net.body.mix, LayerMix)
    labels = torch.arange(8).repeat(40)
    centres = torch.randn(8, 3, 1024)
    statistics = centres[labels] + torch.randn(320, 3, 1024)
    net.body.mix.standardise(statistics)
    torch.nn.init.zeros_(net.head.weight)
    targets = torch.nn.functional.one_hot(labels, 8).float()
    align(net, statistics, targets, targets >= 0, 16)
    right = (net(statistics[:, None]).argmax(1) == labels).float().mean()
    assert float(right) > 0.95


def _told(probabilities: list[list[float]]) -> FoldResult:
    p = np.array(probabilities, np.float32)
    n = len(p)
    return FoldResult(
        {},
        names=tuple(map(str, range(n))),
        labels=np.zeros(n, np.int64),
        corpora=("ravdess",) * n,
        speakers=("01",) * n,
        genders=("male",) * n,
        window_logits={"clean": np.log(p)},
        clip_probabilities={"clean": p},
        validation_logits=np.log(p),
        validation_labels=np.zeros(n, np.int64),
    )


def test_the_surer_member_counts_more() -> None:
    sure = [0.93] + [0.01] * 7
    unsure = [0.10, 0.30] + [0.10] * 6
    members = [_told([sure]), _told([unsure])]
    equal = average(members).clip_probabilities["clean"][0]
    weighted = average(members, by_certainty=True).clip_probabilities["clean"][0]
    assert equal[0] < weighted[0] < 0.93
    assert weighted.sum() == pytest.approx(1.0, abs=1e-5)
    same = average([members[0], members[0]], by_certainty=True)
    np.testing.assert_allclose(same.clip_probabilities["clean"][0], sure, atol=1e-5)


def test_cremads_speakers_are_tested_once_each() -> None:
    clips = tuple(
        CachedClip(f"{s}-{e}", "cremad", f"{1000 + s}", "male", "en", e, 0, 1, f"{s}-{e}")
        for s in range(23)
        for e in ("happy", "sad")
    )
    ravdess = CachedClip("r", "ravdess", "01", "male", "en", "happy", 0, 1, "r")
    recipe = load_recipe(_FOLDER / "recipes" / "light-mlp.toml")
    found = folds("cremad", (*clips, ravdess), recipe)
    tested = [c.speaker for fold in found for c in fold.split.test]
    assert sorted(tested) == sorted(c.speaker for c in clips)
    for fold in found:
        parts = fold.split
        who = [{c.speaker for c in p} for p in (parts.train, parts.validation, parts.test)]
        assert not who[0] & (who[1] | who[2])
        assert not who[1] & who[2]
        assert all(who)
