"""A base model, recordings that it can be taught with, and a model taught with them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile as sf

from emolive.adapt.examples import Examples, Listener
from emolive.adapt.labelled import from_manifest
from emolive.adapt.teaching import Taught, teach
from emolive.inference.loading import open_model
from emolive.resources import DEMO_AUDIO, asset
from emolive.types import FloatArray
from tests.models import tiny_model, waveform_metadata

RATE = 16_000


def base_model(folder: Path) -> Path:
    """A tiny model with an embedding."""
    path = folder / "base.onnx"
    tiny_model(path, waveform_metadata(name="tiny base"))
    return path


def speech() -> FloatArray:
    """The demo clip."""
    return np.asarray(sf.read(asset(DEMO_AUDIO), dtype="float32")[0], np.float32)


def voices(
    folder: Path,
    per_class: int,
    labels: Sequence[str] = ("neutral", "angry"),
    *,
    speakers: int = 4,
) -> Path:
    """A manifest of real speech, 2 s each, each class of another colour (tilt of the spectrum)."""
    sound = speech()
    random = np.random.default_rng(0)
    rows = []
    for label_number, label in enumerate(labels):
        for i in range(per_class):
            start = int(random.integers(0, len(sound) - 4 * RATE))
            piece = sound[start : start + 2 * RATE].copy()
            piece[1:] -= 0.9 * label_number / len(labels) * piece[:-1]
            path = folder / f"{label}-{i}.wav"
            sf.write(path, piece, RATE)
            rows.append((path.name, label, f"speaker {i % speakers}"))
    manifest = folder / "labels.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "speaker"))
        writer.writerows(rows)
    return manifest


def taught(base: Path, manifest: Path, name: str = "mine") -> Taught:
    classifier = open_model(base, "cpu")
    try:
        return teach(name, from_manifest(manifest), base, Listener(classifier))
    finally:
        classifier.close()


def clouds(
    n: int,
    *,
    distance: float,
    classes: int = 3,
    size: int = 20,
    base_right: float = 0.5,
    groups: int = 8,
    seed: int = 0,
) -> Examples:
    """Examples whose embeddings are `distance` apart, of a base that is right so often.

    Classes are ``a``, ``b`` ...; the base is unsure of what it is wrong about.
    """
    random = np.random.default_rng(seed)
    target = np.repeat(np.arange(classes), n)
    centres = np.random.default_rng(99).normal(size=(classes, size)) * distance
    embedding = centres[target] + random.normal(size=(len(target), size))
    answer = np.where(
        random.random(len(target)) < base_right, target, random.integers(0, classes, len(target))
    )
    logits = random.normal(size=(len(target), classes))
    logits[np.arange(len(target)), answer] += 2.0
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    labels = tuple("abcdefgh"[:classes])
    return Examples(
        labels,
        labels,
        np.concatenate((embedding, logs), axis=1).astype(np.float32),
        target,
        random.integers(0, groups, len(target)),
        np.arange(len(target)),
        np.ones(len(target)),
        known=True,
    )
