"""The protocols keep their word: speakers, duplicates, strata, and the split files that say so."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="needs the training extra")

from training import __main__ as command_line
from training.cache import AudioCache, CachedClip
from training.corpora import read_corpora
from training.labels import LABELS
from training.protocols import (
    MOST_TESTED,
    PAPER_SEEDS,
    PROTOCOLS,
    RAVDESS_FOLDS,
    SAVEE_SPEAKERS,
    TESTED,
    Fold,
    folds,
)
from training.recipe import Recipe
from training.split_files import write_splits

_SAVEE = tuple(label for label in LABELS if label != "calm")


def _clip(corpus: str, speaker: str, emotion: str | None, n: int) -> CachedClip:
    name = f"{corpus}/{speaker}-{emotion}-{n}.wav"
    gender = "male" if corpus == "savee" or (speaker.isdigit() and int(speaker) % 2) else "female"
    return CachedClip(name, corpus, speaker, gender, "en", emotion, 0, 1, f"digest of {name}")


@pytest.fixture(scope="module")
def clips() -> tuple[CachedClip, ...]:
    """All speakers of RAVDESS and SAVEE, two clips of each class, and two other corpora."""
    found = [
        _clip("ravdess", f"{actor:02d}", emotion, n)
        for actor in range(1, 25)
        for emotion in LABELS
        for n in (1, 2)
    ]
    found += [_clip("savee", s, e, n) for s in SAVEE_SPEAKERS for e in _SAVEE for n in (1, 2, 3)]
    found += [_clip("tess", s, e, n) for s in ("OAF", "YAF") for e in _SAVEE for n in (1, 2)]
    found += [_clip("noise", "rain", None, 1)]
    return tuple(found)


def _recipe(*corpora: str) -> Recipe:
    return Recipe.model_validate(
        {"name": "any", "corpora": {name: {"clips_per_epoch": 8} for name in corpora}}
    )


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return _recipe("ravdess", "savee", "tess")


def _speakers(clips: tuple[CachedClip, ...]) -> set[tuple[str, str]]:
    return {(c.corpus, c.speaker) for c in clips}


def _parts(fold: Fold) -> tuple[tuple[CachedClip, ...], ...]:
    return fold.split.train, fold.split.validation, fold.split.test


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_recording_is_on_two_sides(
    protocol: str, clips: tuple[CachedClip, ...], recipe: Recipe
) -> None:
    for fold in folds(protocol, clips, recipe):  # type: ignore[arg-type]
        digests = [c.digest for part in _parts(fold) for c in part]
        assert len(digests) == len(set(digests))
        assert all(c.emotion in LABELS for part in _parts(fold) for c in part)
        tested = {*TESTED, "tess"} if protocol in ("cross-corpus", "corpus-groups") else set(TESTED)
        assert {c.corpus for c in fold.split.test} <= tested
        assert all(part for part in _parts(fold))


def test_speaker_independent_folds_share_no_speaker(
    clips: tuple[CachedClip, ...], recipe: Recipe
) -> None:
    for fold in folds("speaker-independent", clips, recipe):
        train, validation, test = map(_speakers, _parts(fold))
        assert not train & validation
        assert not train & test
        assert not validation & test
        genders = {c.gender for c in fold.split.validation}
        assert genders == {"male", "female"}


def test_every_speaker_is_tested_exactly_once(
    clips: tuple[CachedClip, ...], recipe: Recipe
) -> None:
    found = folds("speaker-independent", clips, recipe)
    assert len(found) == len(RAVDESS_FOLDS)
    tested = Counter(s for fold in found for s in _speakers(fold.split.test))
    assert set(tested.values()) == {1}
    assert {s for corpus, s in tested if corpus == "ravdess"} == {f"{i:02d}" for i in range(1, 25)}
    assert {s for corpus, s in tested if corpus == "savee"} == set(SAVEE_SPEAKERS)
    names = Counter(c.name for fold in found for c in fold.split.test)
    assert set(names) == {c.name for c in clips if c.corpus in TESTED}
    assert set(names.values()) == {1}


def test_ravdess_folds_are_emobox_s() -> None:
    assert [{int(a) for a in fold} for fold in RAVDESS_FOLDS] == [
        {1, 11, 20, 21},
        {4, 10, 12, 14},
        {8, 9, 19, 23},
        {3, 5, 7, 24},
        {2, 15, 16, 18},
        {6, 13, 17, 22},
    ]


def test_the_paper_split_is_stratified_and_a_fifth(
    clips: tuple[CachedClip, ...], recipe: Recipe
) -> None:
    found = folds("paper", clips, recipe)
    assert len(found) == PAPER_SEEDS
    pool = [c for c in clips if c.corpus in TESTED]
    share = Counter(c.emotion for c in pool)
    for fold in found:
        test = fold.split.test
        assert len(test) == pytest.approx(0.2 * len(pool), abs=1)
        for emotion, n in Counter(c.emotion for c in test).items():
            assert n == pytest.approx(0.2 * share[emotion], abs=1.01)
        assert _speakers(test) & _speakers(fold.split.train)
        assert {c.corpus for c in fold.split.train} == {"ravdess", "savee", "tess"}
    tests = [frozenset(c.name for c in fold.split.test) for fold in found]
    assert len(set(tests)) == PAPER_SEEDS
    assert folds("paper", clips, recipe) == found


def test_cross_corpus_does_not_train_on_what_it_tests(
    clips: tuple[CachedClip, ...], recipe: Recipe
) -> None:
    found = {fold.name: fold.split for fold in folds("cross-corpus", clips, recipe)}
    assert set(found) == {"without-ravdess", "without-savee", "without-tess"}
    for target in (*TESTED, "tess"):
        split = found[f"without-{target}"]
        assert {c.corpus for c in split.test} == {target}
        assert target not in {c.corpus for c in split.train + split.validation}
    # Calm is in RAVDESS alone: it cannot be learned without it.
    assert "calm" not in {c.emotion for c in found["without-ravdess"].test}
    assert {c.emotion for c in found["without-savee"].test} == set(_SAVEE)


def test_groups_of_corpora_are_left_out_together(clips: tuple[CachedClip, ...]) -> None:
    more = clips + tuple(
        _clip(corpus, "1", emotion, n)
        for corpus in ("emodb", "nemo", "cremad", "ased")
        for emotion in _SAVEE
        for n in (1, 2)
    )
    every = _recipe("ravdess", "savee", "tess", "emodb", "nemo", "cremad", "ased")
    found = {fold.name: fold.split for fold in folds("corpus-groups", more, every)}
    assert set(found) == {
        "without-ased", "without-ravdess-savee", "without-tess-cremad", "without-emodb-nemo",
    }  # fmt: skip
    for name, split in found.items():
        left_out = {c.corpus for c in split.test}
        assert left_out == set(name.split("-")[1:])
        assert {c.corpus for c in split.train} == set(every.corpora) - left_out
    # Of a group that a recipe has half of, that half (`ased` of three other languages above).
    found = {fold.name: fold.split for fold in folds("corpus-groups", clips, _recipe("tess"))}
    assert set(found) == {"without-ravdess-savee"}


def test_of_a_large_corpus_that_is_left_out_some_clips_are_tested(recipe: Recipe) -> None:
    many = tuple(
        CachedClip(f"{e}{i}", corpus, "1", "male", "en", e, 0, 1, f"{corpus}{e}{i}")
        for corpus in ("ravdess", "tess")
        for e in ("happy", "sad")
        for i in range(MOST_TESTED)
    )
    for fold in folds("cross-corpus", many, recipe):
        assert len(fold.split.test) == MOST_TESTED
    assert folds("cross-corpus", many, recipe) == folds("cross-corpus", many, recipe)


def test_without_ravdess_and_savee_there_is_nothing_to_test(
    clips: tuple[CachedClip, ...], recipe: Recipe
) -> None:
    with pytest.raises(ValueError, match="neither was prepared"):
        folds("paper", tuple(c for c in clips if c.corpus == "tess"), recipe)


def test_split_files_say_what_the_folds_are(
    clips: tuple[CachedClip, ...], recipe: Recipe, tmp_path: Path
) -> None:
    written = list(write_splits(clips, recipe, tmp_path))
    assert len(written) == PAPER_SEEDS + len(RAVDESS_FOLDS) + len(TESTED) + 1 + 2
    for protocol in PROTOCOLS:
        for fold in folds(protocol, clips, recipe):
            path = tmp_path / protocol / f"{fold.name}.csv"
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            for part, members in zip(("train", "validation", "test"), _parts(fold), strict=True):
                said = [(r["path"], r["digest"], r["label"]) for r in rows if r["part"] == part]
                assert said == [(c.name, c.digest, c.emotion) for c in members]
            if protocol == "speaker-independent":
                sides: dict[str, set[str]] = {}
                for row in rows:
                    sides.setdefault(f"{row['corpus']} {row['speaker']}", set()).add(row["part"])
                assert all(len(parts) == 1 for parts in sides.values())


def test_the_command_writes_split_files(
    clips: tuple[CachedClip, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = AudioCache(clips, np.zeros(1, np.int16), tmp_path)
    monkeypatch.setattr(command_line, "load_cache", lambda _: cache)
    path = tmp_path / "any.toml"
    path.write_text("corpora.ravdess.clips_per_epoch = 8\n")
    result = CliRunner().invoke(command_line.app, ["splits", str(path), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    listed = [Path(line) for line in result.output.split()]
    assert tmp_path / "paper" / "seed-0.csv" in listed
    assert all(line.is_file() for line in listed)


def test_real_corpora_keep_the_same_promises(corpora: Path, recipe: Recipe) -> None:
    found, absent = read_corpora(corpora, TESTED)
    if absent:
        pytest.skip(f"{absent[0]} is absent")
    # Names stand for the audio; duplicates by content are dropped when a cache is made.
    real = tuple(
        CachedClip(
            c.path.name, c.corpus, c.speaker, c.gender, c.language, c.emotion, 0, 1, c.path.name
        )
        for c in found
    )
    tested = Counter(
        c.name for fold in folds("speaker-independent", real, recipe) for c in fold.split.test
    )
    assert len(tested) == 1440 + 480
    assert set(tested.values()) == {1}
    sizes = [len(f.split.test) for f in folds("speaker-independent", real, recipe)]
    assert np.array_equal(sizes, [360, 360, 360, 360, 240, 240])
