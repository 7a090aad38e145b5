"""What one training leaves behind for reports: the answers themselves, not scores of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_ABOUT, _ARRAYS = "result.json", "answers.npz"
# Beside a result that cannot be had: why, in a sentence.
NOT_RUN = "not-run.txt"


@dataclass(frozen=True, slots=True, eq=False)
class FoldResult:
    """Answers for one fold's test and validation clips.

    `window_logits` has, per listening condition ("clean", "telephone", "noise 20 dB", ...), the
    logits of each test clip's centre 3-second window, ``(n, 8)``; `clip_probabilities`, likewise,
    the mean probabilities over all windows of the clip at a 0.5 s hop (temperature 1). `about`
    holds recipe (name, title), protocol, fold, n_train, parameters, flops (of one window, or None),
    seconds, device, data fingerprint, and history: a list of {epoch, loss, train_accuracy,
    validation: {corpus: scores}}.
    """

    about: dict[str, Any]
    names: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    corpora: tuple[str, ...]
    speakers: tuple[str, ...]
    genders: tuple[str, ...]
    window_logits: dict[str, Floats]
    clip_probabilities: dict[str, Floats]
    validation_logits: Floats
    validation_labels: npt.NDArray[np.int64]
    # Where there are some: listeners' votes as shares ``(n, 8)``, NaN for clips without; valence,
    # arousal and dominance told of the clean centre windows, ``(n, 3)``.
    votes: Floats | None = None
    dimensions: Floats | None = None

    def save(self, folder: Path) -> None:
        """Write; `result.json` comes last, so its presence means a whole result."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "labels": self.labels,
            "validation_logits": self.validation_logits,
            "validation_labels": self.validation_labels,
        }
        told = {"votes": self.votes, "dimensions": self.dimensions}
        arrays |= {key: value for key, value in told.items() if value is not None}
        arrays |= {f"window {key}": value for key, value in self.window_logits.items()}
        arrays |= {f"clip {key}": value for key, value in self.clip_probabilities.items()}
        np.savez_compressed(folder / _ARRAYS, allow_pickle=False, **arrays)
        about = self.about | {
            "names": self.names,
            "corpora": self.corpora,
            "speakers": self.speakers,
            "genders": self.genders,
        }
        partial = folder / f"{_ABOUT}.tmp"
        partial.write_text(json.dumps(about), encoding="utf-8")
        partial.replace(folder / _ABOUT)


def is_finished(folder: Path) -> bool:
    """Whether a whole result is in `folder`."""
    return (folder / _ABOUT).is_file()


def load_result(folder: Path) -> FoldResult:
    """Read what `FoldResult.save` wrote.

    Raises:
        FileNotFoundError: there is no finished result.
    """
    about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    names, corpora, speakers, genders = (
        tuple(about.pop(key)) for key in ("names", "corpora", "speakers", "genders")
    )
    with np.load(folder / _ARRAYS) as arrays:
        values = {key: arrays[key] for key in arrays.files}

    def pick(prefix: str) -> dict[str, Floats]:
        return {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}

    return FoldResult(
        about,
        names,
        values["labels"],
        corpora,
        speakers,
        genders,
        pick("window "),
        pick("clip "),
        values["validation_logits"],
        values["validation_labels"],
        values.get("votes"),
        values.get("dimensions"),
    )


def result_folder(runs: Path, recipe: str, protocol: str, fold: str) -> Path:
    """Where a fold's checkpoint and result live."""
    return runs / recipe / protocol / fold


def own_folder(runs: Path, recipe: str) -> Path:
    """Where the run on a recipe's own split is, as opposed to a protocol's folds."""
    return result_folder(runs, recipe, "own", "all")


def find_results(runs: Path) -> dict[tuple[str, str], list[FoldResult]]:
    """All finished results below `runs`, by (recipe, protocol), folds in order."""
    found: dict[tuple[str, str], list[FoldResult]] = {}
    for path in sorted(runs.glob(f"*/*/*/{_ABOUT}")):
        recipe, protocol = path.parts[-4], path.parts[-3]
        found.setdefault((recipe, protocol), []).append(load_result(path.parent))
    return found
