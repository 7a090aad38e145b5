"""Turn a run into a published model: quantise, calibrate, measure, describe."""

from __future__ import annotations

import platform
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch.utils.flop_counter import FlopCounterMode

from emolive.bench.throughput import OPERATIONS
from emolive.features import WaveformSpec
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.metadata import ModelMetadata
from emolive.inference.model_files import GPU_SUFFIX, read_metadata
from emolive.inference.shift import ShiftReference
from training.cache import AudioCache, CachedClip, fingerprint
from training.calibrate import fit_temperature, fit_threshold
from training.card import write_card
from training.corpora import MEASURED_ONLY
from training.dataset import cut_window, window_features
from training.evaluate import labels_of, logits_of, window_logits
from training.export import ExportedModel, Precision, write_metadata
from training.exported import open_exported
from training.labels import LABELS
from training.measure import Measurement, measure
from training.metrics import softmax
from training.models import EncoderBody, Ensemble, Trained
from training.recipe import Recipe
from training.results import FoldResult
from training.shift import embeddings, fit_shift
from training.splits import Split, split_clips
from training.unseen import Unseen, answers_of_file, measure_answers, measure_unseen

_CALIBRATION_WINDOWS = 256
# Of a file for GPUs; int8 itself moves a few labels.
_SAME_LABELS = 0.95
LICENCE = "CC BY-NC-SA 4.0, non-commercial use only (the corpora's terms)"


def _commit() -> str:
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _heard_before(
    cache: AudioCache, sources: Sequence[Recipe], split: Split
) -> dict[str, tuple[CachedClip, ...]]:
    """What pre-training and teachers were trained on, by recipe.

    Raises:
        ValueError: a speaker of it is in the validation or test part.
    """
    held_out = {(c.corpus, c.speaker) for c in (*split.validation, *split.test)}
    heard = {one.name: split_clips(cache.clips, one).train for one in sources}
    for name, clips in heard.items():
        if leaked := {(c.corpus, c.speaker) for c in clips} & held_out:
            raise ValueError(f"{name} was trained on speakers that test: {sorted(leaked)}")
    return heard


def _describe(
    cache: AudioCache, recipe: Recipe, sources: Sequence[Recipe], name: str, note: str
) -> ModelMetadata:
    split = split_clips(cache.clips, recipe)
    heard = _heard_before(cache, sources, split)
    provenance = {
        "recipe": recipe.name,
        "seed": str(recipe.seed),
        "commit": _commit(),
        "training clips": f"{len(split.train)}, fingerprint {fingerprint(split.train)}",
        "validation clips": f"{len(split.validation)}, {fingerprint(split.validation)}",
        "test clips": f"{len(split.test)}, {fingerprint(split.test)}",
        "torch": torch.__version__,
        "python": platform.python_version(),
        "created": datetime.now(UTC).date().isoformat(),
    }
    for one in sources:
        clips = heard[one.name]
        provenance[f"builds on {one.name}"] = (
            f"seed {one.seed}, {len(clips)} clips, fingerprint {fingerprint(clips)}"
        )
    if note:
        provenance["note"] = note
    return ModelMetadata(
        name=name,
        front_end=WaveformSpec(normalization="none") if recipe.takes_waveform else recipe.front_end,
        window_s=recipe.window_s,
        labels=LABELS,
        licence=LICENCE,
        corpora=tuple(sorted({c.corpus for c in chain(split.train, *heard.values())})),
        split="Speaker-independent: no speaker of the test or validation part was trained on.",
        provenance=provenance,
    )


def _scores(measurement: Measurement, unseen: Unseen | None) -> dict[str, float]:
    scores = {
        f"{condition} {corpus} window uar": values.uar
        for condition, corpora in measurement.windows.items()
        for corpus, values in corpora.items()
    }
    scores |= {f"clean {c} clip uar": s.uar for c, s in measurement.clips.items()}
    scores |= {
        "ece": measurement.ece,
        "coverage": measurement.selective.coverage,
        "level agreement": measurement.level_agreement,
    }
    if measurement.selective.coverage:
        scores["selective accuracy"] = measurement.selective.accuracy
    if unseen is not None:
        raw, centred = unseen.mean
        scores |= {
            "unseen corpora window uar": raw,
            "unseen corpora window uar, bias removed": centred,
            "unseen corpora ece": unseen.ece,
            "unseen corpora coverage": unseen.coverage,
        }
        if unseen.coverage:
            scores["unseen corpora selective accuracy"] = unseen.right
    return {key: round(value, 4) for key, value in scores.items()}


def _operations(trained: Trained | Ensemble, recipe: Recipe) -> float:
    """Floating-point operations of one window, of all networks together."""
    members = trained.members if isinstance(trained, Ensemble) else [trained]
    total = 0
    for one in members:
        assert isinstance(one, Trained)
        waveform = isinstance(one.net.body, EncoderBody)
        shape = (recipe.front_end.n_mels, recipe.n_frames)
        x = torch.zeros(1, 1, recipe.window_samples) if waveform else torch.zeros(1, 1, *shape)
        net = deepcopy(one).eval()
        if not waveform:
            # Double precision, for which there is no fused LSTM: the counter cannot look into that.
            net, x = net.double(), x.double()
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            net(x)
        total += counter.get_total_flops()
    return float(total)


def _shift(
    classifier: OnnxClassifier, cache: AudioCache, recipe: Recipe, split: Split
) -> ShiftReference | None:
    """How far speech is from training speech; what is known of it without speech never heard."""
    known = {*classifier.metadata.corpora, *MEASURED_ONLY}
    unheard = tuple(c for c in cache.clips if c.corpus not in known and c.emotion is not None)
    if not unheard or classifier.metadata.embedding_size is None:
        return classifier.metadata.shift
    heard = embeddings(classifier, cache, split.train, recipe, "Training speech")
    return fit_shift(heard, embeddings(classifier, cache, unheard, recipe, "Unknown speech"))


def _remove_twin(model: Path, say: Callable[[str], None]) -> None:
    """Remove the file for GPUs of what stood at `model` before: it is another network's."""
    twin = model.with_name(model.stem + GPU_SUFFIX)
    if twin.is_file():
        twin.unlink()
        say(f"removed {twin}: it was the file for GPUs of the model that was there before")


def publish_twin(
    cache: AudioCache,
    recipe: Recipe,
    trained: Trained | Ensemble,
    model: Path,
    *,
    say: Callable[[str], None] = print,
) -> Path:
    """Write the file for GPUs beside a published `model`: the same weights, the same metadata.

    Raises:
        ValueError: it answers otherwise than `model` on more than 5 % of the validation windows.
    """
    target = model.with_name(model.stem + GPU_SUFFIX)
    split = split_clips(cache.clips, recipe)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "twin.onnx"
        onnx.save(ExportedModel(trained, recipe, for_gpus=True).graph("gpu"), path)
        write_metadata(path, read_metadata(model))
        answers = []
        for one in (model, path):
            classifier = OnnxClassifier(one, "cpu")
            answers.append(window_logits(logits_of(classifier), cache, split.validation, recipe))
            classifier.close()
        same = float((answers[0].argmax(1) == answers[1].argmax(1)).mean())
        say(f"{same:.1%} of {len(answers[0])} validation windows have the same label in both files")
        if same < _SAME_LABELS:
            raise ValueError(f"{model.name} and its file for GPUs are not the same network")
        target.write_bytes(path.read_bytes())
    return target


def publish(
    cache: AudioCache,
    recipe: Recipe,
    trained: Trained | Ensemble,
    target: Path,
    *,
    name: str,
    sources: Sequence[Recipe] = (),
    precision: Precision = "int8",
    left_out: Sequence[FoldResult] = (),
    note: str = "",
    say: Callable[[str], None] = print,
) -> Measurement:
    """Write `target` (ONNX) and its card beside it (`.md`); no other model's twin stays beside it.

    Temperature and threshold are those of corpora never heard where there are answers for corpora
    `left_out` of training (see `measure_unseen`); otherwise they are fitted on the written file's
    answers for the validation speakers. `trained` is what
    `load_trained` gives; `sources`, the recipes that this one builds on, and `note`, whatever the
    recipe does not tell about the run, go into the provenance.

    Returns:
        What was measured on the test speakers.

    Raises:
        ValueError: one of `sources` was trained on speakers that are held out here.
    """
    split = split_clips(cache.clips, recipe)
    metadata = _describe(cache, recipe, sources, name, note)
    rng = np.random.default_rng(recipe.seed)
    chosen = rng.permutation(len(split.train))[:_CALIBRATION_WINDOWS]
    windows = [
        window_features(
            cut_window(cache.samples(split.train[i]), recipe.window_samples, 0.5), recipe
        )
        for i in chosen
    ]
    first = trained.members[0] if isinstance(trained, Ensemble) else trained
    assert isinstance(first, Trained)
    metadata = metadata.model_copy(update={"embedding_size": first.net.head.in_features})
    with tempfile.TemporaryDirectory() as folder:
        kinds: dict[Path, Precision] = {
            Path(folder) / f"model.{kind}.onnx": kind for kind in ("float32", precision)
        }
        final_file = [*kinds][-1]
        exported = ExportedModel(trained, recipe, for_gpus=precision == "gpu")
        for path, kind in kinds.items():
            onnx.save(exported.graph(kind, windows), path)
        answers: dict[Path, npt.NDArray[np.floating]] = {}
        for path in kinds:
            write_metadata(path, metadata)
            classifier = open_exported(path)
            answers[path] = window_logits(logits_of(classifier), cache, split.validation, recipe)
            classifier.close()
        labels = labels_of(split.validation)
        for path, logits in answers.items():
            say(f"{kinds[path]}: validation accuracy {(logits.argmax(1) == labels).mean():.4f}")
        scores = {OPERATIONS: _operations(trained, recipe)}
        write_metadata(final_file, metadata.model_copy(update={"scores": scores}))
        judged = _judge(final_file, answers[final_file], cache, recipe, left_out)
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_twin(target, say)
        target.write_bytes(final_file.read_bytes())
    _write_card(target, judged, recipe, sources, precision)
    return judged.measurement


def calibrate(
    cache: AudioCache,
    recipe: Recipe,
    model: Path,
    *,
    sources: Sequence[Recipe] = (),
    precision: Precision = "int8",
    left_out: Sequence[FoldResult] = (),
) -> Measurement:
    """Fit and measure a published file anew, as `publish` does, and write its card.

    Its network stays as it is; its file for GPUs, where there is one, gets the same metadata.

    Returns:
        What was measured on the test speakers.
    """
    known = read_metadata(model)
    when = f"{datetime.now(UTC).date().isoformat()}, commit {_commit()}"
    provenance = known.provenance | {"calibrated": when}
    validation = split_clips(cache.clips, recipe).validation
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / model.name
        file.write_bytes(model.read_bytes())
        write_metadata(file, known.model_copy(update={"provenance": provenance}))
        classifier = open_exported(file)
        answers = window_logits(logits_of(classifier), cache, validation, recipe)
        classifier.close()
        judged = _judge(file, answers, cache, recipe, left_out)
        model.write_bytes(file.read_bytes())
    twin = model.with_name(model.stem + GPU_SUFFIX)
    if twin.is_file():
        write_metadata(twin, judged.metadata)
    _write_card(model, judged, recipe, sources, precision)
    return judged.measurement


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is in a file by now, and what its card tells of it."""

    metadata: ModelMetadata
    measurement: Measurement
    unseen: Unseen | None
    foreign: Unseen | None


def _judge(
    file: Path,
    validation: npt.NDArray[np.floating],
    cache: AudioCache,
    recipe: Recipe,
    left_out: Sequence[FoldResult],
) -> _Judged:
    """Fit temperature, threshold and shift, measure, and write all of it into the file.

    `validation` are the file's logits of the validation speakers, for want of `left_out`.
    """
    split = split_clips(cache.clips, recipe)
    classifier = open_exported(file)
    foreign = answers_of_file(classifier, cache, recipe, cache.clips)
    shift = _shift(classifier, cache, recipe, split)
    classifier.close()
    unseen = None
    if left_out:
        unseen = measure_unseen(left_out, recipe.decided_right)
        temperature, threshold = unseen.temperature, unseen.threshold
    else:
        temperature = fit_temperature(validation, labels_of(split.validation))
        threshold = fit_threshold(softmax(validation, temperature), recipe.coverage)
    known = read_metadata(file)
    fitted = known.model_copy(
        update={
            "temperature": temperature,
            "abstention_threshold": round(threshold, 4),
            "shift": shift,
        }
    )
    write_metadata(file, fitted)
    classifier = open_exported(file)
    measurement = measure(classifier, cache, split.test, recipe)
    classifier.close()
    kept = {name: value for name, value in known.scores.items() if name == OPERATIONS}
    published = fitted.model_copy(update={"scores": kept | _scores(measurement, unseen)})
    write_metadata(file, published)
    unheard = measure_answers(foreign, temperature, threshold) if foreign else None
    return _Judged(published, measurement, unseen, unheard)


def _write_card(
    model: Path, judged: _Judged, recipe: Recipe, sources: Sequence[Recipe], precision: Precision
) -> None:
    members = [one for one in sources if one.name in recipe.teachers]
    if recipe.model != "ensemble":
        members = [recipe]
    text = write_card(
        judged.metadata,
        precision,
        judged.measurement,
        recipe,
        members,
        judged.unseen,
        judged.foreign,
    )
    model.with_suffix(".md").write_text(text, encoding="utf-8")
