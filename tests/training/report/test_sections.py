"""The sections' numbers equal those counted here."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from emolive.features import AnyFrontEndSpec, LogMelSpec, WaveformSpec
from tests.training.report.made_up import N, independent, mean_recall, said_of, uar
from tests.training.report.read import row_of, tables_of, text_of
from training.labels import LABELS
from training.report.document import Document, HeatTable
from training.report.numbers import compare
from training.report.render import section_text
from training.report.sections.cost import exported
from training.report.shipped import Shipped


def test_speaker_independent_scores_are_those_counted_by_hand(document: Document) -> None:
    results = independent(0.6, 1, title="the plain one")
    tables = tables_of(document, "speaker-independent")
    window = next(t for t in tables if "RAVDESS. W" in t.caption)
    row = row_of(window, "the plain one")
    corpora = [np.array(r.corpora) == "ravdess" for r in results]
    uars = [100 * uar(r, c) for r, c in zip(results, corpora, strict=True)]
    assert row["UA %"] == f"{np.mean(uars):.1f} ± {np.std(uars, ddof=1):.1f}"
    right = [
        100 * np.mean(r.window_logits["clean"].argmax(1)[c] == r.labels[c])
        for r, c in zip(results, corpora, strict=True)
    ]
    assert row["WA %"] == f"{np.mean(right):.1f} ± {np.std(right, ddof=1):.1f}"
    assert row["folds"] == "6"
    said = np.concatenate([r.window_logits["clean"].argmax(1) for r in results])
    labels = np.concatenate([r.labels for r in results])
    inside = np.concatenate(corpora)
    recalls = [np.mean(said[inside & (labels == c)] == c) for c in range(N)]
    assert row["UA % pooled"] == f"{100 * np.mean(recalls):.1f}"
    savee = next(t for t in tables if "SAVEE. W" in t.caption)
    row = row_of(savee, "the plain one")
    assert row["folds"] == "4"
    among: dict[str, list[float]] = {"UA %": [], "UA % among all 8 classes": []}
    for result in results[:4]:
        inside = np.array(result.corpora) == "savee"
        among["UA %"].append(100 * uar(result, inside))
        eight = result.window_logits["clean"].argmax(1)[inside]
        among["UA % among all 8 classes"].append(100 * mean_recall(eight, result.labels[inside]))
    for column, values in among.items():
        assert row[column] == f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"
    assert np.mean(among["UA %"]) > np.mean(among["UA % among all 8 classes"])
    assert row_of(window, "an LSTM")["folds"] == "2 of 6"


def test_published_rows_are_marked_and_sorted_among_ours_few_folds_last(
    document: Document,
) -> None:
    for table in tables_of(document, "speaker-independent"):
        keys = [(row[-1].startswith("2 of"), -float(row[1].split()[0])) for row in table.rows]
        assert keys == sorted(keys)
        assert keys[-1][0]
        for i, row in enumerate(table.rows):
            assert (row[-1] == "published") == (i in table.published)


def test_levels_and_conditions_are_never_mixed(document: Document) -> None:
    results = independent(0.6, 1, title="the plain one")
    window, clip = tables_of(document, "conditions")[:2]
    assert "Window level" in window.caption
    assert "Clip level" in clip.caption
    assert "noise 0 dB" in window.header
    assert "noise 0 dB" not in clip.header
    row = row_of(window, "the plain one")
    labels = np.concatenate([r.labels for r in results])
    uars = {}
    for condition in ("clean", "telephone", "noise 0 dB"):
        said = np.concatenate([said_of(r, condition) for r in results])
        uars[condition] = 100 * mean_recall(said, labels)
        assert row[condition] == f"{uars[condition]:.1f}"
    lost = uars["clean"] - uars["telephone"]
    assert row["lost on the telephone"] == f"{lost:.1f}"
    said = np.concatenate([said_of(r, level="clip") for r in results])
    clip_uar = 100 * mean_recall(said, labels)
    assert row_of(clip, "the plain one")["clean"] == f"{clip_uar:.1f}"


def test_the_papers_numbers_stand_beside_ours(document: Document) -> None:
    window, _ = tables_of(document, "paper")
    assert row_of(window, "SVM on mean MFCC")["paper accuracy %"] == "51.7"
    assert row_of(window, "SVM on mean MFCC")["accuracy %"] == "–"
    lstm = row_of(window, "LSTM on log-mel")
    assert lstm["paper accuracy %"] == "52.8"
    assert lstm["seeds"] == "2 of 5"
    assert row_of(window, "the plain one")["seeds"] == "5"
    (augmented,) = (r for r in window.rows if r[1] == "66.7")
    assert augmented[2] == "0.631"


def test_confusions_are_counts_of_the_best_row(document: Document) -> None:
    (section,) = (s for s in document.sections if s.name == "confusions")
    heats = [b for b in section.blocks if isinstance(b, HeatTable)]
    results = independent(0.6, 1, title="the plain one")
    said = np.concatenate([r.window_logits["clean"].argmax(1) for r in results])
    labels = np.concatenate([r.labels for r in results])
    expected = Counter(zip(labels.tolist(), said.tolist(), strict=True))
    for i in range(N):
        for j in range(N):
            assert heats[0].counts[i][j] == expected[i, j]


def test_every_corpus_that_was_left_out_is_told(document: Document) -> None:
    six, every, each = tables_of(document, "cross-corpus")[-3:]
    assert row_of(six, "the plain one")["left out of a training"] == "ravdess"
    assert row_of(every, "the plain one")["left out of a training"] == "ravdess; ased, turev"
    assert each.header == ("model", "ased", "ravdess", "turev")
    row = row_of(each, "the plain one")
    raw, centred = np.array([[float(s) for s in row[c].split(" / ")] for c in each.header[1:]]).T
    assert row_of(six, "the plain one")["UA % among own classes"] == f"{raw[1]:.1f}"
    told = row_of(every, "the plain one")
    assert float(told["UA % among own classes"]) == pytest.approx(raw.mean(), abs=0.1)
    assert float(told["bias removed"]) == pytest.approx(centred.mean(), abs=0.1)


def test_groups_are_scored_apart(document: Document) -> None:
    results = independent(0.6, 1, title="the plain one")
    tables = {t.caption: t for t in tables_of(document, "groups")}
    female = row_of(tables["By gender, RAVDESS"], "female")
    right = np.concatenate(
        [
            (r.window_logits["clean"].argmax(1) == r.labels)[
                (np.array(r.genders) == "female") & (np.array(r.corpora) == "ravdess")
            ]
            for r in results
        ]
    )
    assert female["windows"] == str(right.size)
    assert female["accuracy %"] == f"{100 * right.mean():.1f}"
    assert len(tables["By speaker"].rows) == 28
    recall = float(row_of(tables["By class"], "angry")["recall %"])
    angry = LABELS.index("angry")
    hits = np.concatenate(
        [r.window_logits["clean"].argmax(1)[r.labels == angry] == angry for r in results]
    )
    assert recall == pytest.approx(100 * hits.mean(), abs=0.05)


def test_questions_are_answered_from_the_settings(document: Document) -> None:
    text = text_of(document, "questions")
    ours, base = (
        independent(skill, seed, 3, title=title)
        for skill, seed, title in ((0.9, 3, "+ audio"), (0.6, 2, "+ images"))
    )
    difference = compare(ours, base, "window")
    assert difference is not None
    assert difference.decided
    sentence = f"“+ audio” minus “+ images”, window level: {100 * difference.value:+.1f} points"
    assert sentence in text
    assert "better: the interval leaves out zero" in text
    assert "The image recipe also has mixup" in text
    assert "“with ImageNet”: not run: weights could not be downloaded." in text
    assert "“a hybrid” minus “an LSTM”" in text
    assert "“a hybrid” minus “the plain one”" not in text, "one was pre-trained"
    assert "“a prepared hybrid” minus “the plain one”" in text, "both were, each in its own way"
    assert "“a prepared hybrid” minus “an LSTM”" not in text
    assert "not decided" in text
    assert text.count("\n### ") == 3


def test_what_was_not_run_is_listed(document: Document) -> None:
    text = text_of(document, "missing")
    assert "with ImageNet (resnet34-imagenet), speaker-independent: not run: weights" in text
    assert "never run (never), paper: not run yet." in text
    assert "an LSTM (lstm), speaker-independent: 2 of 6 folds." in text
    assert "the plain one (plain), cross-corpus: 1 of 2 folds." in text
    assert "(image)" not in text


def test_ablations_compare_with_their_base(document: Document) -> None:
    (table,) = tables_of(document, "ablations")
    base = independent(0.6, 1, title="the plain one")
    for title, skill, seed in (("+ images", 0.6, 2), ("+ audio", 0.9, 3)):
        row = row_of(table, title)
        found = compare(independent(skill, seed, 3, title=title), base, "window")
        assert found is not None
        assert row["difference, window"].startswith(f"{100 * found.value:+.1f}".replace("-", "−"))
        assert row["folds"] == "3"


def test_learning_curves_come_from_the_history(document: Document) -> None:
    table = tables_of(document, "learning")[-1]
    row = row_of(table, "the plain one")
    assert row["training accuracy %"] == "80.0"
    assert row["validation accuracy %"] == "40.0"
    assert row["gap, points"] == "+40.0"
    # Of four epochs whose losses are 1, 1/2, 1/3 and 1/4.
    assert (row["loss, third quarter"], row["loss, last quarter"]) == ("0.333", "0.250")


def test_cost_is_told(document: Document) -> None:
    (table,) = tables_of(document, "cost")
    row = row_of(table, "the plain one")
    assert row["parameters"] == "1,234,567"
    assert row["MFLOP per window"] == "89"
    assert row["minutes per fold"] == "1.5"


@pytest.mark.parametrize(
    ("front_end", "said"),
    [
        (LogMelSpec(), "normalised by its own mean and variance of log-mel"),
        (LogMelSpec(normalization="none"), "a gain moves all of the log-mel"),
        (WaveformSpec(), "takes the waveform and holds its front end itself"),
        (WaveformSpec(normalization="window"), "brought to one level"),
    ],
)
def test_what_a_gain_does_is_that_of_the_files_front_end(
    front_end: AnyFrontEndSpec, said: str
) -> None:
    shipped = Shipped("tiny", 1.0, {"level agreement": 0.5}, {}, 1.0, "here", front_end)
    text = section_text(exported(shipped))
    assert said in text
    assert "In tiny: 50.0 %" in text
    assert text.count("log-mel") == (0 if "one level" in said else 1)
