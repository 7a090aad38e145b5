"""The model card: what the file is, what was measured, what it must not be used for."""

from __future__ import annotations

from collections.abc import Sequence

from emolive.features import AnyFrontEndSpec, WaveformSpec
from emolive.inference.metadata import ModelMetadata
from training.labels import LABELS
from training.measure import Measurement
from training.metrics import Scores
from training.recipe import ModelKind, Recipe
from training.unseen import Unseen, write_file, write_unseen

# What each corpus is, and on which terms its owners give it.
DATA = {
    "ravdess": ("RAVDESS, North American English, 24 actors", "CC BY-NC-SA 4.0"),
    "savee": ("SAVEE, British English, 4 male actors", "research use, on request"),
    "tess": ("TESS, Canadian English, 2 actresses", "CC BY-NC-ND 4.0"),
    "emodb": ("Emo-DB, German, 10 actors", "free for research"),
    "nemo": ("nEMO, Polish, 9 actors", "CC BY-NC-SA 4.0"),
    "cremad": ("part of CREMA-D, American English, listeners' votes", "ODbL"),
    "ased": ("ASED, Amharic, 65 speakers", "research use"),
    "emospeech": ("Indian EmoSpeech commands, single words, 104 speakers", "CC BY-NC-SA 4.0"),
    "turev": ("TurEV-DB, Turkish, single words, 6 speakers", "CC BY-NC-ND 4.0"),
    "urdu": ("URDU, Urdu talk shows, 38 speakers", "none stated, research use"),
    "meld": ("MELD, English television dialogue (measuring only)", "research use"),
    "nonverbal": ("vocal sounds that are not speech, 410 people (unlabelled)", "CC BY-NC-ND 4.0"),
    "noise": ("environmental sounds (augmentation only)", "CC BY 3.0; research use"),
}

# How the card names the networks.
_NETWORKS: dict[ModelKind, str] = {
    "resnet34": "ResNet34",
    "resnet34-attention": "ResNet34 with attention pooling",
    "lstm": "LSTM",
    "cnn-lstm": "CNN + LSTM",
    "whisper-encoder": "Encoder of OpenAI's Whisper base (MIT)",
}
_TUNED = {
    "frozen": "frozen",
    "adapters": "with low-rank adapters merged into its weights",
    "full": "fine-tuned",
}


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _table(header: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    return "\n".join([_row(*header), _row(*("---" for _ in header)), *(_row(*r) for r in rows)])


def _scores(name: str, scores: Scores) -> tuple[object, ...]:
    return (name, scores.n, _percent(scores.uar), _percent(scores.wa), f"{scores.f1:.3f}")


def _data(recipe: Recipe) -> list[tuple[object, ...]]:
    return [
        (
            name,
            *DATA.get(name, ("a user's own data", "the user's")),
            ", ".join(corpus.validation_speakers) or "none",
            ", ".join(corpus.test_speakers) or "none",
        )
        for name, corpus in recipe.corpora.items()
    ]


def _windows(measurement: Measurement) -> list[tuple[object, ...]]:
    corpora = list(next(iter(measurement.windows.values())))
    return [
        (condition, *(_percent(scores[c].uar) for c in corpora))
        for condition, scores in measurement.windows.items()
    ]


def _network(recipe: Recipe) -> str:
    if recipe.model == "whisper-encoder":
        settings = recipe.encoder
        return (
            f"{_NETWORKS[recipe.model]}, its first {settings.blocks} blocks, "
            f"{_TUNED[settings.tune]}"
        )
    bands, frames = recipe.stages[-1].shrink
    pooling = f" averaged over {bands} x {frames} cells" if (bands, frames) != (1, 1) else ""
    return f"{_NETWORKS[recipe.model]} on log-mel{pooling}"


def _networks(members: Sequence[Recipe]) -> str:
    if len(members) == 1:
        return _network(members[0])
    listed = "; ".join(_network(one) for one in members)
    return f"{len(members)} networks that answer together, by their mean probabilities: {listed}"


def _front_end(spec: AnyFrontEndSpec) -> str:
    normalised = ", normalised per window" if spec.normalization == "window" else ""
    if isinstance(spec, WaveformSpec):
        return f"{spec.sampling_rate} Hz mono, full scale being 1.0{normalised}."
    return (
        f"{spec.sampling_rate} Hz mono, {spec.win_length}-sample Hann window, "
        f"hop length {spec.hop_length},\n{spec.n_mels} mel bands {spec.f_min:g}-{spec.f_max:g} Hz, "
        f"natural logarithm{normalised}."
    )


def write_scores(measurement: Measurement) -> str:
    """All that was measured, as Markdown."""
    corpora = tuple(next(iter(measurement.windows.values())))
    chosen = measurement.selective
    answered = f"at the threshold {_percent(chosen.coverage)} % of the test windows are answered, "
    answered += f"{_percent(chosen.accuracy)} % of those correctly"
    answered = answered if chosen.coverage else "by itself it answers none of the test windows"
    header = ("corpus", "n", "UAR %", "WA %", "macro F1")
    counts = [(LABELS[i], *row) for i, row in enumerate(measurement.confusion) if sum(row)]
    return f"""One window per clip (its centre 3 s), clean:

{_table(header, [_scores(c, s) for c, s in measurement.windows["clean"].items()])}

All windows of a clip pooled, clean:

{_table(header, [_scores(c, s) for c, s in measurement.clips.items()])}

UAR % per listening condition, one window per clip:

{_table(("condition", *corpora), _windows(measurement))}

Fairness. By gender, one window per clip, all corpora together (corpora differ between genders):

{_table(("gender", *header[1:]), [_scores(g, s) for g, s in measurement.genders.items()])}

By speaker, one window per clip:

{_table(("speaker", *header[1:]), [_scores(g, s) for g, s in measurement.speakers.items()])}

- Calibration (ECE, 15 bins): {measurement.ece_uncalibrated:.3f} before, {measurement.ece:.3f} after
  temperature scaling.
- Abstention: {answered};
  of the 60 % most confident windows, {_percent(measurement.accuracy_at_60)} % are answered
  correctly.
- Level: {_percent(measurement.level_agreement)} % of the labels stay the same at -20 dB and +20 dB.

Confusion (rows: the actor's intention, columns: the answer), counts:

{_table(("", *LABELS), counts)}"""


def write_card(
    metadata: ModelMetadata,
    precision: str,
    measurement: Measurement,
    recipe: Recipe,
    members: Sequence[Recipe],
    unseen: Unseen | None = None,
    foreign: Unseen | None = None,
) -> str:
    """The card as Markdown.

    `members` are the recipes of the networks in the file; `unseen` is of the recipe, `foreign` of
    the file itself.
    """
    parts = [write_unseen(unseen)] if unseen else []
    if foreign:
        parts.append(write_file(foreign))
    elsewhere = "\n\n".join(("\n## Corpora never heard", *parts)) + "\n" if parts else ""
    provenance = "\n".join(f"- {key}: `{value}`" for key, value in metadata.provenance.items())
    shape = ", ".join(map(str, metadata.input_shape))
    labels = ", ".join(metadata.labels)
    return f"""# Model card: {metadata.name}

{_networks(members)}.
One {precision} ONNX file. It answers for one {metadata.window_s:g}-second window of one speaker:
probabilities of {labels}.

**Input.** `{metadata.input_name}` float32 `(batch, {shape})`:
{_front_end(metadata.front_end)}
A recording shorter than the window is padded with zeros on both sides, in training as in use.
**Output.** `logits` float32 `(batch, {len(metadata.labels)})`; divide by the temperature
{metadata.temperature:.3f}, then softmax. A smoothed confidence below
{metadata.abstention_threshold:.3f} is reported as uncertain.

## Data and split
Acted speech. {metadata.split}

{_table(("corpus", "what", "terms", "validation speakers", "test speakers"), _data(recipe))}

## Scores
Measured on this very file with `python -m training evaluate`. All test speakers are unseen:
neither trained on, nor used for tuning, temperature or threshold. Protocol:
speaker-independent, one fixed split (for all folds of the recipe see `python -m training report`).
Expect a spread of several points between speakers. UAR is the mean of the recalls of the classes
present.

{write_scores(measurement)}
{elsewhere}
## Use
Intended: watching how speech sounds over time, with a person who knows the context; research;
voice coaching. The labels describe *acted, vocal expression*, not what a person feels.
Children, and ill or impaired voices were not measured.

Not intended: decisions about people. In the European Union, inferring the emotions of employees at
work or of pupils is prohibited except for medical or safety reasons (AI Act, Art. 5(1)(f)).

## Licence
{metadata.licence}. The corpora are licensed for research and non-commercial use, and so is this
file. For other uses train a model on data of your own with the same commands.

## Provenance
{provenance}
"""
