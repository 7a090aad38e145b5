"""What other commands measured and kept beside the runs: functionals in pairs, and saliency."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.faithfulness import ORDERS, Faithfulness
from training.functionals import FEATURE_SETS
from training.pairs import CLASSIFIERS, OTHERS, Pair, Pairs
from training.report.document import Block, Paragraph, Section, Table
from training.report.numbers import mean_interval
from training.report.wording import NONE, percent, points, signed_interval


def functionals(runs: Path) -> Section | None:
    """Self- against cross-corpus scores of openSMILE's functionals."""
    path = runs / "pairs.json"
    if not path.is_file():
        return None
    pairs = Pairs.model_validate_json(path.read_text(encoding="utf-8")).pairs
    blocks: list[Block] = [
        Paragraph(
            "As in the Urdu cross-corpus study (arXiv 2510.26823): eGeMAPS (88) and ComParE "
            "(6,373) functionals of each clip's centre 3 seconds, logistic regression and a "
            "multilayer perceptron (128 units), standardised on the training clips; up to 400 "
            "clips of a corpus, its classes in equal shares; classes that both corpora have. "
            "Within a corpus no speaker is on both sides (RAVDESS: EmoBox's folds). Intervals: "
            "bootstrap over test "
            "speakers. Different from the paper: its three Urdu corpora are not here (the reader "
            "“urdu” takes the one of Latif et al. 2018; any other comes as a manifest or a folder "
            "per label), and it keeps to four classes."
        ),
        _overview(pairs),
    ]
    done = {(p.features, p.classifier) for p in pairs}
    missing = [f"{f}, {k}" for f in FEATURE_SETS for k in CLASSIFIERS if (f, k) not in done]
    if missing:
        blocks.append(Paragraph(f"Not measured: {'; '.join(missing)}."))
    blocks += [
        _square([p for p in pairs if p.features == features], features)
        for features in dict.fromkeys(p.features for p in pairs)
    ]
    return Section("functionals", "Functionals: every corpus against every other", tuple(blocks))


def _overview(pairs: tuple[Pair, ...]) -> Table:
    lines = []
    for features in dict.fromkeys(p.features for p in pairs):
        for kind in CLASSIFIERS:
            some = [p for p in pairs if (p.features, p.classifier) == (features, kind)]
            own = {p.tested: p.uar for p in some if p.trained == p.tested}
            cross = [p for p in some if p.trained not in (p.tested, OTHERS)]
            rest = [p for p in some if p.trained == OTHERS]
            # The drop is between the same tests: what a corpus says of itself, and others of it.
            drops = [
                own[t] - float(np.mean([p.uar for p in cross if p.tested == t]))
                for t in own
                if any(p.tested == t for p in cross)
            ]
            lines.append(
                (
                    f"{features}, {kind}",
                    _mean([*own.values()]),
                    _mean([p.uar for p in cross]),
                    _mean([p.uar for p in rest]),
                    points(-float(np.mean(drops))) if drops else NONE,
                )
            )
    return Table(
        "UAR %, means over the tested corpora",
        (
            "features",
            "within a corpus",
            "from one other",
            "from all others",
            "self to cross, points",
        ),
        tuple(lines),
    )


def _mean(values: list[float]) -> str:
    return percent(float(np.mean(values))) if values else NONE


def _square(pairs: list[Pair], features: str) -> Table:
    best = {(p.trained, p.tested): p for p in pairs if p.classifier == CLASSIFIERS[0]}
    trained = list(dict.fromkeys(one for one, _ in best))
    tested = list(dict.fromkeys(other for _, other in best))

    def cell(one: str, other: str) -> str:
        pair = best.get((one, other))
        if pair is None:
            return NONE
        return f"{percent(pair.uar)} [{percent(pair.low)}, {percent(pair.high)}] / {pair.classes}"

    rows = tuple((one, *(cell(one, other) for other in tested)) for one in trained)
    return Table(
        f"{features}, {CLASSIFIERS[0]}: UAR % [95 % interval] / classes; rows are trained on, "
        "columns tested",
        ("trained on", *tested),
        rows,
    )


def saliency(runs: Path) -> Section | None:
    """Whether the why-view's saliency is faithful, and what cues lie inside it."""
    found = [
        Faithfulness.model_validate_json(path.read_text(encoding="utf-8"))
        for path in sorted(runs.glob("faithfulness-*.json"))
    ]
    if not found:
        return None
    curves, cues = [], []
    for one in found:
        speakers = np.array([f"{c.corpus} {c.speaker}" for c in one.clips])
        for what in ("deletion", "insertion"):
            areas = {o: np.array([getattr(c, what)[o] for c in one.clips]) for o in ORDERS}
            curves.append(
                (
                    f"{one.model}: {what} {'↓' if what == 'deletion' else '↑'}",
                    str(len(one.clips)),
                    *(f"{areas[o].mean():.3f}" for o in ORDERS),
                    *(
                        signed_interval(*mean_interval(areas["salient"] - areas[o], speakers))
                        for o in ("random", "loudest")
                    ),
                )
            )
        for emotion in ("every class", *dict.fromkeys(c.emotion for c in one.clips)):
            some = [c for c in one.clips if emotion in ("every class", c.emotion)]
            judged = sum(c.judged["salient"] for c in some)
            if not judged:
                continue
            cues.append(
                (
                    f"{one.model}: {emotion}",
                    str(judged),
                    *(
                        percent(
                            sum(c.met[w] for c in some) / max(1, sum(c.judged[w] for c in some))
                        )
                        for w in ("salient", "window", "random")
                    ),
                )
            )
    return Section(
        "saliency",
        "Beyond saliency: is the why-view faithful?",
        (
            Paragraph(
                "After “Beyond saliency” (arXiv 2511.11691). Deletion and insertion: the patches "
                "of the spectrogram are taken out, or put back into silence, in steps of a "
                "tenth, the most salient first; the area is the mean of the answer's calibrated "
                "probability. "
                "A faithful saliency has a small deletion and a large insertion area. Loudest "
                "first is what anybody would point at without any model. Cues are measured in the "
                "shortest stretch of sound that holds half of what the answer rests on (at least "
                "0.6 s), not over the window, against how the speaker usually sounds; an expected "
                "direction is one that Scherer (2003) and Juslin and Laukka (2003) agree on "
                "(disgust and neutral have none). Speakers whom the model never heard. Different "
                "from the paper: occlusion alone, without concept relevance propagation, and a "
                "stretch in time instead of a region of the spectrogram, because Praat's cues need "
                "sound."
            ),
            Table(
                "Areas under the curves; differences with 95 % intervals over speakers",
                (
                    "model",
                    "clips",
                    *(f"{o} first" if o != "random" else "random order" for o in ORDERS),
                    "salient - random",
                    "salient - loudest",
                ),
                tuple(curves),
            ),
            Table(
                "Expected directions of cues that were found, %",
                ("model", "directions", "salient stretch", "whole window", "random stretch"),
                tuple(cues),
            ),
        ),
    )
