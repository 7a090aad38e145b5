"""The paper's three open questions, answered from the rows that are there.

Which rows answer a question is read from their settings, so renamed or added recipes take part.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from training.report.anchors import ANCHORS
from training.report.document import Block, Bullets, Heading, Paragraph, Section, Table
from training.report.numbers import LEVELS, TELEPHONE, compare, shared_folds, spread
from training.report.rows import ReportRow, Rows
from training.report.wording import NONE, interval, percent, verdict

# A row, and the one it is compared with.
_Pair = tuple[ReportRow, ReportRow]

_PROTOCOL = "speaker-independent"
_IMAGE = ("rotation_deg", "zoom", "brightness")
_AUDIO = (
    "speed",
    "pitch",
    "mel_shift",
    "room",
    "noise",
    "overdrive",
    "telephone",
    "microphone_db",
    "frequency_masks",
    "time_masks",
)
_MIXUP = ("mixup_alpha",)
# What a row's name and title say is no setting of its training.
_NOT_COMPARED = {"name", "title", "validate_every", "coverage"}


def questions(rows: Rows) -> Section:
    """All three, each with what was measured and how sure it is."""
    return Section(
        "questions",
        "The paper's open questions",
        (
            Paragraph(
                "Speaker-independent, RAVDESS + SAVEE, answers among each corpus's own classes, "
                "clean speech unless it says otherwise. "
                "Intervals are paired bootstraps over test speakers; “decided” means that the "
                "95 % interval leaves out zero. They do not cover other training seeds."
            ),
            Heading("1. Do audio-specific augmentations beat image ones?"),
            *_augmentation(rows),
            Heading("2. Does pre-training on speech beat ImageNet weights?"),
            *_transfer(rows),
            Heading("3. Does a CNN + LSTM hybrid beat either alone?"),
            *_hybrid(rows),
        ),
    )


def _switched_on(row: ReportRow, keys: tuple[str, ...]) -> tuple[str, ...]:
    augmentation = (row.settings or {}).get("augmentation", {})
    return tuple(key for key in keys if augmentation.get(key))


def _setting(row: ReportRow, key: str) -> Any:
    return (row.settings or {}).get(key)


def _start(row: ReportRow) -> str:
    """What a network starts from: "random", "imagenet" or "speech"."""
    initial: str | None = _setting(row, "initial")
    return initial if initial in ("random", "imagenet") else "speech"


def _unlike(one: ReportRow, other: ReportRow, besides: set[str]) -> tuple[str, ...]:
    """Settings in which two rows differ, besides those that the question is about."""
    keys = set(one.settings or {}) | set(other.settings or {})
    ignored = besides | _NOT_COMPARED
    return tuple(sorted(k for k in keys - ignored if _setting(one, k) != _setting(other, k)))


def _sentences(one: ReportRow, other: ReportRow, about: str) -> list[str]:
    """One row against another, at both levels and on the telephone."""
    names = f"“{one.title}” minus “{other.title}”"
    found = [
        f"{names}, {level} level: {verdict(difference)}."
        for level in LEVELS
        if (difference := compare(one.of(_PROTOCOL), other.of(_PROTOCOL), level))
    ]
    if difference := compare(one.of(_PROTOCOL), other.of(_PROTOCOL), "window", TELEPHONE):
        found.append(f"The same through the telephone, window level: {verdict(difference)}.")
    if found and (unlike := _unlike(one, other, {about})):
        found.append(f"The two also differ in {', '.join(unlike)}.")
    return found


def _unmeasured(rows: list[ReportRow]) -> list[str]:
    return [f"“{row.title}”: {row.shortfall(_PROTOCOL) or 'not run'}." for row in rows]


def _answer(
    sentences: list[str], missing: str, others: Sequence[_Pair] = (), about: str = ""
) -> list[Block]:
    """The sentences, and a table of further comparisons; or what would be needed."""
    blocks: list[Block] = [Bullets(tuple(sentences))] if sentences else [Paragraph(missing)]
    lines = tuple(_line(one, other, about) for one, other in others)
    if lines:
        header = ("difference", "window", "clip", "telephone, window", "folds", "also differ in")
        caption = "Further comparisons: UAR in points, 95 % intervals"
        blocks.append(Table(caption, header, lines))
    return blocks


def _common_folds(pair: _Pair) -> int:
    return len(shared_folds(pair[0].of(_PROTOCOL), pair[1].of(_PROTOCOL)))


def _line(one: ReportRow, other: ReportRow, about: str) -> tuple[str, ...]:
    ours, theirs = one.of(_PROTOCOL), other.of(_PROTOCOL)
    window, clip = (compare(ours, theirs, level) for level in LEVELS)
    line = compare(ours, theirs, "window", TELEPHONE)
    folds = NONE if window is None else str(window.folds)
    names = f"“{one.title}” minus “{other.title}”"
    unlike = ", ".join(_unlike(one, other, {about})) or NONE
    return (names, interval(window), interval(clip), interval(line), folds, unlike)


def _augmentation(rows: Rows) -> list[Block]:
    image = [r for r in rows.rows if _switched_on(r, _IMAGE) and not _switched_on(r, _AUDIO)]
    audio = [r for r in rows.rows if _switched_on(r, _AUDIO) and not _switched_on(r, _IMAGE)]
    pairs = [
        (a, i)
        for a in audio
        for i in image
        if not _unlike(a, i, {"augmentation"}) and a.of(_PROTOCOL) and i.of(_PROTOCOL)
    ]
    # The row with the most kinds of audio augmentation is the answer; the others say which of
    # them it is.
    pairs.sort(key=lambda pair: -len(_switched_on(pair[0], _AUDIO)))
    sentences = _sentences(*pairs[0], "augmentation") if pairs else []
    if pairs and _switched_on(pairs[0][1], _MIXUP) and not _switched_on(pairs[0][0], _MIXUP):
        sentences.append("The image recipe also has mixup, as in the paper; the audio one has not.")
    return _answer(
        sentences,
        "Not measured: it needs two recipes that differ in augmentation alone, one with image "
        "transforms and one with audio augmentations, on the same folds.",
        pairs[1:],
        "augmentation",
    )


def _transfer(rows: Rows) -> list[Block]:
    tried = [r for r in rows.rows if _setting(r, "model") == "resnet34"]
    imagenet = [r for r in tried if _start(r) == "imagenet"]
    scratch = [r for r in tried if _start(r) == "random" and r.of(_PROTOCOL)]
    speech = [r for r in tried if _start(r) == "speech" and r.of(_PROTOCOL)]
    schedule = {"initial", "stages", "learning_rate", "warmup", "ema_decay"}
    # The comparison with ImageNet is the answer; without it, the one of most folds.
    pairs = [
        (one, other)
        for others in ([r for r in imagenet if r.of(_PROTOCOL)], scratch)
        for one, other in sorted(product(speech, others), key=_common_folds, reverse=True)
        if not _unlike(one, other, schedule) and _common_folds((one, other))
    ]
    sentences = _sentences(*pairs[0], "initial") if pairs else []
    sentences += _unmeasured([r for r in imagenet if not r.of(_PROTOCOL)])
    best = rows.best(_PROTOCOL)
    ours = (
        spread(best.of(_PROTOCOL), "clip", "uar", corpus="ravdess", own_classes=True)
        if best
        else None
    )
    if best and ours:
        published = ", ".join(f"{a.title} {a.ua:.1f}" for a in ANCHORS["ravdess"])
        sentences.append(
            f"Beside published speech models on RAVDESS's folds (UA %: {published}), "
            f"“{best.title}” reaches {percent(ours.mean)} at clip level on {ours.n} folds."
        )
    return _answer(
        sentences,
        "Not measured: it needs a row pre-trained on speech and one with ImageNet weights or from "
        "scratch, on the same folds.",
        pairs[1:],
        "initial",
    )


def _hybrid(rows: Rows) -> list[Block]:
    hybrids = [r for r in rows.rows if _setting(r, "model") == "cnn-lstm"]
    # Each kind of network starts from its own pre-training.
    schedule = {"model", "stages", "learning_rate", "initial"}
    alone: dict[str, list[_Pair]] = {
        kind: [
            (hybrid, other)
            for hybrid, other in product(hybrids, rows.rows)
            if _setting(other, "model") == kind
            and _start(hybrid) == _start(other)
            and not _unlike(hybrid, other, schedule)
            and _common_folds((hybrid, other))
        ]
        for kind in ("lstm", "resnet34")
    }
    for pairs in alone.values():
        pairs.sort(key=_common_folds, reverse=True)
    sentences = [s for pairs in alone.values() if pairs for s in _sentences(*pairs[0], "model")]
    sentences += _unmeasured([r for r in hybrids if not r.of(_PROTOCOL)])
    return _answer(
        sentences,
        "Not measured: it needs a CNN + LSTM row beside an LSTM or a ResNet34 that is trained in "
        "the same way, on the same folds.",
        [pair for pairs in alone.values() for pair in pairs[1:]],
        "model",
    )
