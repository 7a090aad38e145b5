"""Several models together: as an ensemble that answers, and as the teachers of one network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from training.cache import AudioCache, CachedClip
from training.device import pick_device
from training.encoder_outputs import EncoderOutputs, load_encoder
from training.heard import head_logits
from training.image_transforms import shrink_batch
from training.metrics import softmax
from training.models import EmotionNet, build_model
from training.recipe import Recipe
from training.results import Floats, FoldResult
from training.state import averaged_weights
from training.waveforms import LogMel


@dataclass(frozen=True, slots=True, eq=False)
class Teacher:
    """A trained network, how much its input is shrunk, and what makes its input from audio.

    `outputs`: what its frozen encoder puts out for each clip, where it is a head that reads these.
    """

    model: nn.Module
    factors: tuple[int, int]
    log_mel: LogMel | None
    outputs: EncoderOutputs | None = None


def load_teacher(run: Path, recipe: Recipe, cache: AudioCache, student: Recipe) -> Teacher:
    """The averaged weights of a finished run, ready for what `student` lets its teachers hear.

    Raises:
        FileNotFoundError: it has no checkpoint.
        ValueError: it is to answer clips, but nothing of its encoder can be kept.
    """
    device = pick_device()
    if student.taught == "clips":
        if not recipe.frozen:
            raise ValueError(f"{recipe.name} cannot answer clips: its encoder is not frozen")
        head = build_model(recipe)
        head.load_state_dict(averaged_weights(run))
        return Teacher(head.to(device), (1, 1), None, EncoderOutputs(cache, recipe, device))
    model = load_network(run, recipe, cache)
    model.requires_grad_(False)
    log_mel = None if recipe.takes_waveform else LogMel(recipe.front_end).to(device)
    return Teacher(
        model.eval().to(device, memory_format=torch.channels_last),  # type: ignore[call-overload]
        recipe.stages[-1].shrink,
        log_mel,
    )


def load_network(run: Path, recipe: Recipe, cache: AudioCache) -> EmotionNet:
    """A finished run's network with its averaged weights, and with the encoder that it uses.

    Raises:
        FileNotFoundError: the run has no checkpoint.
    """
    encoder = load_encoder(cache, recipe) if recipe.takes_waveform else None
    model = build_model(recipe, encoder=encoder)
    missing, unexpected = model.load_state_dict(averaged_weights(run), strict=False)
    # A frozen encoder is not in the run.
    lacking = [name for name in missing if not (recipe.frozen and ".encoder." in name)]
    if lacking or unexpected:
        raise ValueError(f"{run} holds another kind of network: {(lacking + unexpected)[0]}")
    return model


@torch.no_grad()
def taught_probabilities(teachers: Sequence[Teacher], x: torch.Tensor) -> torch.Tensor:
    """The teachers' mean probabilities, ``(batch, 8)``, for what the student sees.

    Distillation works best as function matching (Beyer et al. 2022, arXiv 2106.05237): the same
    mixed views for teachers and student, for a long time. Only what the channel does to speech is
    for the student alone, who so learns to answer through a telephone what the teachers answer
    without (as Li et al. 2017, arXiv 1708.05466, for speech recognition).

    Args:
        teachers: at least one.
        x: log-mel ``(batch, 1, n_mels, n_frames)``, not shrunk yet, or audio ``(batch, 1, n)``.
    """
    answers = []
    for teacher in teachers:
        seen = x
        if x.ndim == 3 and teacher.log_mel is not None:
            seen = teacher.log_mel(x[:, 0])[:, None]
        if seen.ndim == 4:
            seen = shrink_batch(seen, teacher.factors).contiguous(memory_format=torch.channels_last)
        with torch.autocast(x.device.type, torch.bfloat16):
            logits = teacher.model(seen)
        answers.append(logits.float().softmax(1))
    return torch.stack(answers).mean(0)


def taught_of_clips(teachers: Sequence[Teacher], clips: Sequence[CachedClip]) -> torch.Tensor:
    """The teachers' mean probabilities for the clips' centre windows, ``(n, 8)``.

    From kept outputs: seconds for all clips, where running an encoder over every copy takes hours
    on a processor.
    """
    answers = []
    for teacher in teachers:
        assert teacher.outputs is not None
        answers.append(softmax(head_logits(teacher.model, teacher.outputs.of(clips))))
    return torch.from_numpy(np.mean(answers, axis=0, dtype=np.float32))


def _mean(answers: npt.NDArray[np.floating], by_certainty: bool) -> npt.NDArray[np.float64]:
    """The members' mean, ``(n, 8)``, of their probabilities ``(members, n, 8)``.

    By certainty, a member counts as much as its entropy is below that of an even answer.
    """
    if not by_certainty:
        plain: npt.NDArray[np.float64] = answers.mean(axis=0, dtype=np.float64)
        return plain
    p = np.maximum(answers.astype(np.float64), 1e-9)
    certain = 1 + (p * np.log(p)).sum(axis=2, keepdims=True) / np.log(p.shape[2])
    weights = np.maximum(certain, 1e-6)
    found = (weights * p).sum(axis=0) / weights.sum(axis=0)
    mean: npt.NDArray[np.float64] = found / found.sum(axis=1, keepdims=True)
    return mean


def average(results: Sequence[FoldResult], *, by_certainty: bool = False) -> FoldResult:
    """The answers of an ensemble: the mean probabilities of its members, for one fold.

    `by_certainty` weighs each member by how sure it is of the window (as MATER's uncertainty-aware
    ensemble, arXiv 2506.19887, does with what members disagree on).

    Raises:
        ValueError: the members were not tested on the same clips.
    """
    first = results[0]
    if any(one.names != first.names for one in results):
        raise ValueError("the members of the ensemble were tested on different clips")

    def mean_logits(all_logits: Sequence[Floats]) -> Floats:
        mean = _mean(np.stack([softmax(logits) for logits in all_logits]), by_certainty)
        return np.log(np.maximum(mean, 1e-9)).astype(np.float32)

    def total(key: str) -> int | None:
        known = [value for one in results if (value := one.about.get(key)) is not None]
        return sum(known) if len(known) == len(results) else None

    return FoldResult(
        {
            "parameters": total("parameters"),
            "flops": total("flops"),
            "seconds": 0.0,
            "device": first.about.get("device"),
            "history": [],
        },
        names=first.names,
        labels=first.labels,
        corpora=first.corpora,
        speakers=first.speakers,
        genders=first.genders,
        window_logits={
            key: mean_logits([one.window_logits[key] for one in results])
            for key in first.window_logits
        },
        clip_probabilities={
            key: _mean(
                np.stack([one.clip_probabilities[key] for one in results]), by_certainty
            ).astype(np.float32)
            for key in first.clip_probabilities
        },
        validation_logits=mean_logits([one.validation_logits for one in results]),
        validation_labels=first.validation_labels,
        votes=first.votes,
    )
