"""The related systems as rows: what was built, how it differs from its paper, and what it gains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.labels import LABELS
from training.report.document import Block, Heading, Paragraph, Section, Table
from training.report.numbers import (
    Difference,
    compare,
    pooled,
    uar_interval,
)
from training.report.rows import ReportRow, Rows
from training.report.sections.conditions import NAMES
from training.report.sections.votes import distributions, named_pairs
from training.report.wording import NONE, count, interval, percent
from training.results import FoldResult

# The group of the recipes that the program's own models come from.
_PROGRAM = "frozen encoder"
# By a row's group in the study.
ABOUT: dict[str, tuple[str, str]] = {
    "MLL": (
        "MLL: energy-adaptive mixup, frame-level attention, four losses (arXiv 2512.04551)",
        "Built: on the frozen encoder's frames (first four blocks, layers averaged with learned "
        "weights, frames over 100 ms, narrowed to 128) one block of multi-head self-attention with "
        "context broadcasting, then mean and deviation; energy-adaptive mixup of the audio (a "
        "stretch of random length at a random SNR of -5 to 15 dB, labels shared by energy); the "
        "KL, focal, centre and supervised contrastive losses together. Trained, as published, on "
        "the tested corpora alone. The base row is the same network with cross-entropy alone and "
        "no mixup. Different from the paper: it uses WavLM large (24 layers, 316 M parameters), we "
        "use four blocks of Whisper base (14 M); each clip has one mixture, drawn beforehand, with "
        "another clip of the same speaker, so that none crosses a split, and is heard mixed half "
        "of the time; ten epochs; it gives no weights of the losses that could be found, ours are "
        "1, 0.5, 0.01 and 0.2; RAVDESS and SAVEE are trained on together, so that a corpus left "
        "out is answered by a network that learned from the other alone. Published: 93.4 % WA on "
        "RAVDESS, six folds, speakers apart (its folds are its own, ours are EmoBox's); its number "
        "for SAVEE could not be found. The quick row is the four losses alone, on pooled "
        "statistics of four corpora, against the usual head there.",
    ),
    "EM2LDL": (
        "Label distributions (the task of EM2LDL, arXiv 2511.20106)",
        "Built: the head learns the distribution of the listeners' votes on each clip of CREMA-D "
        "(KL divergence) instead of one label; measured against the votes of clips whose speakers "
        "it never heard. The base row is the same network trained on the actor's intention. A "
        "second pair of rows (quick) asks the same where CREMA-D is one of five corpora: its votes "
        "against one label a clip, for the classes of all of them (with CREMA-D left out both are "
        "the same network). Beside them, in the tables of votes, the recipes of the program's own "
        "model. The program names a pair such as “sad + fearful” where a decided window's second "
        "emotion has at least half the first one's probability; the last table is that rule, "
        "against the votes. Different from the paper: its corpus (32 emotions, Cantonese, "
        "Mandarin, English) is not among those here; CREMA-D's listeners chose among six.",
    ),
    "light models": (
        "Light models on CREMA-D (arXiv 2511.00402's comparison of DistilHuBERT and PaSST)",
        "Built: Whisper base's encoder (20 M parameters, as large as DistilHuBERT) frozen, or cut "
        "to two blocks; linear, MLP and attentive heads (frames over 100 ms), 480 to 500 steps "
        "each; and its last block, fine-tuned or with low-rank adapters, while the five below stay "
        "as they are. There the head reads what goes into that block and what it puts out, and "
        "both rows start from such a head, trained for 480 steps on the frozen block, which is "
        "their base: what tuning adds is the difference from it, after four passes over the clips "
        "(400 steps of 16; the table “After the last epoch, cremad protocol” has the losses). "
        "Trained on CREMA-D alone. "
        "Published: DistilHuBERT 70.6 % accuracy over six classes, all of it fine-tuned, which "
        "takes a graphics card. "
        "Different, and why the numbers do not compare: the part of CREMA-D that is here has only "
        "four classes (happy, sad, disgust, fearful); the paper tests once, on 15 % of the "
        "speakers, ours are five folds of speakers.",
    ),
    "EDRL-MEA": (
        "EDRL-MEA: disentangled embeddings, aligned with the input (arXiv 2510.09072)",
        "Built: beside 128 shared features each of the eight classes has a block of 32 of its own, "
        "trained to tell that class from the rest (EDRL); then the 64-dimensional subspace of all "
        "blocks, each of the same weight, whose covariance with the encoder's pooled output is "
        "greatest (multiblock partial least squares, one singular value decomposition), and a new "
        "classifier in it (MEA). The base is the frozen encoder's usual head. Different from the "
        "paper: it trains on clean IEMOCAP and tells levels of arousal and valence; ours reads the "
        "frozen encoder and tells eight classes; and it reads four corpora, not nine with "
        "disturbed copies. Trained, as published, on clean speech; telephone and noise at three "
        "levels are in the test alone.",
    ),
    "EmoSphere-SER": (
        "EmoSphere-SER: valence, arousal, dominance, and regions of their sphere "
        "(arXiv 2505.19693)",
        "Built: the attention over frames of MLL's network (style pooling), which is the base, "
        "with three heads: classes, the three dimensions (1 - CCC), and the octant of the sphere, "
        "whose weight fades out during training (dynamic weighting). No corpus here has ratings: "
        "the places are Russell and Mehrabian's (1977) norms of the classes' words; where "
        "listeners voted, the mean place of their votes is both what is learned and what is "
        "measured against. Dominance of “calm” is "
        "not published as a number and counts as 0. Different from the paper: MSP-Podcast's "
        "ratings and WavLM large are missing; ten epochs on RAVDESS and SAVEE. The quick rows have "
        "the heads and losses on pooled statistics, without attention over frames, against the "
        "usual head there: of four corpora, and of five with CREMA-D, which, left out in its turn, "
        "is where the head meets listeners' votes that it never learned from.",
    ),
    "CO-VADA": (
        "CO-VADA: converted voices against speaker shortcuts (arXiv 2506.06071)",
        "Built: a third of the training clips, those of whose class a classifier is much surer "
        "having heard the speaker than not (cross-fitted by speaker), are also heard in another "
        "voice: WORLD shifts pitch by 3 to 7 semitones and formants by 8 to 22 % the same way, and "
        "changes breathiness; half of their appearances are converted. The base is the same head "
        "without; both learn from RAVDESS and SAVEE alone. Different from the paper: it needs no "
        "speakers' names, but finds such clips by the losses of a classifier that is stopped "
        "early, converts voices with neural converters, and measures CREMA-D, MSP-Podcast and "
        "MSP-IMPROV.",
    ),
    "MATER": (
        "MATER: an ensemble that knows how sure its members are (arXiv 2506.19887)",
        "Built: the mean of two acoustic models (the encoder frozen, and with low-rank adapters), "
        "each weighted by how far its entropy lies below that of an even answer. The base is their "
        "plain mean. The quick rows ask the same of three heads on one frozen encoder (usual, "
        "EDRL, EmoSphere-SER). Different from the paper: no transcripts, so only its "
        "uncertainty-aware ensemble; it combines models by the annotators' disagreement on "
        "naturalistic speech, which acted corpora do not have.",
    ),
}


def related(rows: Rows) -> Section | None:
    """A part for each related system among the study's rows."""
    introduction = (
        Paragraph(
            "Window level, clean unless it says otherwise, answers among each tested corpus's own "
            "classes. In brackets the 95 % interval of a bootstrap over test speakers; differences "
            "are paired, on the same clips, against the base: the first row of a table unless the "
            "text says otherwise. They do not cover other training seeds."
        ),
        Paragraph(
            "Two processor cores train and answer every row below from what the frozen encoder "
            "puts out, computed once and kept, except the frozen encoder with disturbed copies and "
            "its low-rank adapters on nine corpora, which took a graphics card. Rows whose name "
            "begins with “quick” are reduced against the paper or the full row: heads on the clean "
            "clips of RAVDESS, SAVEE, TESS and Emo-DB, unless the name says otherwise. What a "
            "graphics card would add, and is not measured: MLL and EmoSphere-SER on all nine "
            "corpora with mixtures drawn anew in every epoch, EDRL-MEA on nine corpora with "
            "disturbed copies, and a light model fine-tuned in all its blocks. Rows or folds that "
            "are missing were not run yet: two idle cores take about a minute for each."
        ),
    )
    blocks: list[Block] = []
    for group, (title, about) in ABOUT.items():
        members = [row for row in rows.rows if row.group == group]
        if not members:
            continue
        members = _with_bases(rows, members)
        blocks += [Heading(title), Paragraph(about)]
        for own in _OWN:
            some = [row for row in members if own in row.wanted]
            blocks += [_scores(rows, some, own)] if some else []
        noisy = _conditions(rows, members) if group in ("EDRL-MEA", "MLL") else None
        asked = [*members, *(row for row in rows.rows if row.group == _PROGRAM)]
        voted_on = (distributions(asked), named_pairs(asked)) if group == "EM2LDL" else ()
        blocks += [table for table in (noisy, *voted_on) if table is not None]
        fair = _fairness(members) if group == "CO-VADA" else None
        blocks += [fair] if fair else []
        places = _places(members)
        blocks += [places] if places else []
    if not blocks:
        return None
    return Section("related", "Related systems", (*introduction, *blocks))


def _with_bases(rows: Rows, members: Sequence[ReportRow]) -> list[ReportRow]:
    bases = [rows.get(row.base) for row in members if row.base]
    found = {row.recipe: row for row in (*(b for b in bases if b), *members)}
    return list(found.values())


def _score(results: Sequence[FoldResult], corpus: str | None = None) -> str:
    answers = pooled(results, "window", corpus=corpus, own_classes=True)
    if answers is None:
        return NONE
    low, high = uar_interval(answers)
    return f"{percent(answers.scores.uar)} [{percent(low)}, {percent(high)}]"


def _left_out(row: ReportRow) -> str:
    """Mean over the corpora that were left out."""
    each = [pooled([r], "window", own_classes=True) for r in row.of("cross-corpus")]
    parts = [part for part in each if part is not None]
    if not parts:
        return NONE
    low, high = uar_interval(*parts)
    mean = float(np.mean([part.scores.uar for part in parts]))
    return f"{percent(mean)} [{percent(low)}, {percent(high)}] ({len(parts)})"


def _difference(row: ReportRow, base: ReportRow | None, protocol: str) -> Difference | None:
    return compare(row.of(protocol), base.of(protocol), "window") if base else None


# The protocols in which no test speaker is trained on, and the corpora that they test.
_OWN = {"speaker-independent": ("ravdess", "savee"), "cremad": ("cremad",)}


def _scores(rows: Rows, members: Sequence[ReportRow], own: str) -> Table:
    lines = []
    for row in members:
        base = rows.get(row.base)
        if base not in members:
            base = None
        tested = row.of(own)
        told = [_score(tested, corpus) for corpus in _OWN[own]]
        missing = [row.shortfall(p) for p in row.wanted]
        lines.append(
            (
                row.title,
                *told,
                interval(_difference(row, base, own)),
                _left_out(row),
                interval(_difference(row, base, "cross-corpus")),
                "; ".join(dict.fromkeys(filter(None, missing))) or count(len(tested), len(tested)),
            )
        )
    names = {"ravdess": "RAVDESS", "savee": "SAVEE", "cremad": "CREMA-D"}
    return Table(
        "Test speakers apart, and each corpus left out",
        (
            "model",
            *(f"{names[corpus]} UA %" for corpus in _OWN[own]),
            "against the base",
            "left out, mean UA % (corpora)",
            "against the base",
            "folds",
        ),
        tuple(lines),
    )


def _fairness(members: Sequence[ReportRow]) -> Table | None:
    """Gaps between groups of test speakers, RAVDESS, speaker-independent."""
    lines = []
    for row in members:
        answers = pooled(row.of("speaker-independent"), "window", corpus="ravdess")
        if answers is None:
            continue
        of_gender = {g: answers.where(answers.genders == g).scores.uar for g in ("female", "male")}
        speakers = [
            answers.where(answers.speakers == s).scores.uar for s in np.unique(answers.speakers)
        ]
        lines.append(
            (
                row.title,
                percent(answers.scores.uar),
                *(percent(v) for v in of_gender.values()),
                percent(abs(of_gender["female"] - of_gender["male"])),
                percent(float(np.std(speakers))),
                percent(min(speakers)),
            )
        )
    if not lines:
        return None
    return Table(
        "Fairness on RAVDESS, speaker-independent, UA %",
        (
            "model",
            "all",
            "women",
            "men",
            "gap, points",
            "deviation over speakers, points",
            "worst speaker",
        ),
        tuple(lines),
        note="Languages cannot be compared here: both corpora are English.",
    )


def _conditions(rows: Rows, members: Sequence[ReportRow]) -> Table | None:
    asked = {
        name
        for row in members
        for result in row.of("speaker-independent")
        for name in result.window_logits
    }
    names = [name for name in NAMES if name in asked]
    lines = []
    for row in members:
        results = row.of("speaker-independent")
        parts = [pooled(results, "window", name, own_classes=True) for name in names]
        if not parts or parts[0] is None:
            continue
        base = rows.get(row.base)
        against = [
            compare(results, base.of("speaker-independent"), "window", name) if base else None
            for name in names[1:]
        ]
        scores = (percent(p.scores.uar) if p else NONE for p in parts)
        lines.append((row.title, *scores, *map(interval, against)))
    if not lines:
        return None
    return Table(
        "In noise, speaker-independent, UA %",
        ("model", *names, *(f"{name}, against the base" for name in names[1:])),
        tuple(lines),
    )


def _places(members: Sequence[ReportRow]) -> Table | None:
    """CCC of what the dimensions' head tells, and of what follows from the classes."""
    from training.emosphere import DIMENSIONS, concordance_of, places

    norms = places().numpy().astype(np.float64)
    lines = []
    for row in members:
        for protocol in ("speaker-independent", "cross-corpus"):
            told, derived, wanted, kind = [], [], [], []
            for result in row.of(protocol):
                answers = pooled([result], "window", calibrated=True)
                if result.dimensions is None or answers is None:
                    continue
                shares = np.eye(len(LABELS))[result.labels]
                voted_on = np.zeros(len(shares), np.bool_)
                if result.votes is not None:
                    voted_on = np.asarray(~np.isnan(result.votes).any(axis=1), np.bool_)
                    shares[voted_on] = result.votes[voted_on]
                told.append(result.dimensions)
                derived.append(answers.probabilities @ norms)
                wanted.append(shares @ norms)
                kind.append(voted_on)
            if not told:
                continue
            which = np.concatenate(kind)
            for name, chosen in (("norms of the intended class", ~which), ("votes", which)):
                if not chosen.any():
                    continue
                target = np.concatenate(wanted)[chosen]
                for how, guess in (("head", told), ("derived from the classes", derived)):
                    ccc = concordance_of(np.concatenate(guess)[chosen], target)
                    lines.append(
                        (
                            f"{row.title}: {how}",
                            protocol,
                            name,
                            str(int(chosen.sum())),
                            *(f"{v:.3f}" for v in ccc),
                        )
                    )
    if not lines:
        return None
    return Table(
        "Concordance (CCC) of the dimensions, window level",
        ("told by", "protocol", "against", "windows", *DIMENSIONS),
        tuple(lines),
        note="The program's plane shows the derived place. It would change only if the head beat "
        "it in both of the plane's axes on held-out votes of corpora that were left out.",
    )
