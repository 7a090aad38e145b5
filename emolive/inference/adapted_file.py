"""An adapted model's file: what people taught a model, as JSON.

``NAME.adapted.json`` holds a linear layer that takes the place of a base model's answer, what it
was taught with (counts and fingerprints: no sound, no names, no places), how it was judged, and the
fingerprint of the base model without which it is nothing. It may be copied like any file; those in
`adapted_folder` are known by their names.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from emolive.errors import ModelError
from emolive.i18n import tr
from emolive.inference import limits
from emolive.wording import complaint

SUFFIX = ".adapted.json"
FOLDER_VARIABLE = "EMOLIVE_MODELS"
_MOST_BYTES = 50_000_000
_HEAD_BYTES = 65_536
_NAME = re.compile(r"[^\W_][\w. -]{0,79}")

Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Verdict = Literal["better", "not shown", "worse"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Base(_Part):
    """The model underneath: as it is chosen (a bundled name or a file), its name and SHA-256."""

    choice: str = Field(min_length=1)
    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Source(_Part):
    """Something it was taught with, by a fingerprint alone, and how many labels came from it."""

    kind: Literal["session", "manifest", "folder"]
    fingerprint: str
    labels: Count


class ClassScore(_Part):
    """One label: how many there were, and the recalls, cross-validated.

    `base` is None where guessing is compared with. `low` and `high` bound the difference in 95 of
    100 cases.
    """

    label: str
    labels: Count
    base: Share | None
    adapted: Share
    low: Number
    high: Number


class Judgement(_Part):
    """How it did on folds that it was not taught with, beside the base model on the same folds.

    Mean recalls (UAR) and calibration errors (ECE), 0 to 1. Where the base model does not know all
    labels, `base_uar` is what guessing reaches, and `guessing` is set. `gain` lies between `low`
    and `high` in 95 of 100 cases. `grouped` tells whether no speaker (or session) was on both sides
    of a fold, `groups` how many there were. `more` labels of each class are needed.
    """

    verdict: Verdict
    uar: Share
    base_uar: Share
    guessing: bool
    gain: Number
    low: Number
    high: Number
    ece: Share
    base_ece: Share | None
    grouped: bool
    groups: Count
    classes: tuple[ClassScore, ...]
    more: dict[str, Count] = Field(default_factory=dict)


class AdaptedModel(_Part):
    """Everything in the file.

    The logits of a window are ``weights @ features + bias``, of its features (see `adapted`) in
    their order; `temperature` and `abstention_threshold` as in a model's metadata. `agents` tells
    whether voices of people at work were among those it was taught with.
    """

    format: Literal["emolive adapted model"] = "emolive adapted model"
    version: Literal[1] = 1
    name: str
    base: Base
    labels: tuple[str, ...] = Field(min_length=2, max_length=limits.MOST_LABELS)
    weights: tuple[tuple[Number, ...], ...]
    bias: tuple[Number, ...]
    temperature: float = Field(gt=0, allow_inf_nan=False)
    abstention_threshold: Share
    taught_at: str
    taught: dict[str, Count]
    agents: bool = False
    sources: tuple[Source, ...]
    judgement: Judgement

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        n = len(self.labels)
        if len(self.weights) != n or len(self.bias) != n:
            raise ValueError(tr("weights and bias must have as many rows as there are labels"))
        if len({len(row) for row in self.weights}) != 1:
            raise ValueError(tr("all rows of weights must be equally long"))
        return self

    @property
    def digest(self) -> str:
        """Of the base and of what was learned, in hexadecimal digits."""
        learned = repr((self.base.sha256, self.weights, self.bias))
        return hashlib.sha256(learned.encode()).hexdigest()

    @property
    def better(self) -> bool:
        """Whether it was shown to be better than its base."""
        return self.judgement.verdict == "better"


def adapted_folder() -> Path:
    """Where adapted models are kept: beside the sessions, or where the environment says."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    return Path(platformdirs.user_data_dir("emolive", appauthor=False)) / "models"


def adapted_path(name: str) -> Path | None:
    """The file of the adapted model of this name, None where it cannot be one's name."""
    return adapted_folder() / f"{name}{SUFFIX}" if _NAME.fullmatch(name) else None


def is_adapted(path: Path) -> bool:
    """Whether a model's file is an adapted model's."""
    return path.name.endswith(SUFFIX)


def lacks_ending(path: Path) -> bool:
    """Whether a file is an adapted model's by what it holds, but not by its name."""
    if is_adapted(path):
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES).lstrip()
    except OSError:  # who opens it says why
        return False
    return head.startswith(b"{") and b'"emolive adapted model"' in head


def adapted_names() -> list[str]:
    """The names of all that are kept, sorted."""
    folder = adapted_folder()
    if not folder.is_dir():
        return []
    return sorted(
        (path.name.removesuffix(SUFFIX) for path in folder.glob(f"[!.]*{SUFFIX}")),
        key=str.casefold,
    )


def read_adapted(path: Path) -> AdaptedModel:
    """Read a file.

    Raises:
        ModelError: it cannot be read, or is no adapted model.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise ModelError(
            "The taught model {path} does not exist: `emolive models` lists those there are.",
            path=path,
        ) from None
    except OSError as error:
        raise ModelError(
            "The taught model {path} cannot be read ({reason}): check it.",
            path=path,
            reason=error.strerror or error,
        ) from error
    try:
        if len(content) > _MOST_BYTES:
            raise ValueError(tr("it is far too large"))
        return AdaptedModel.model_validate_json(content)
    except ValueError as error:
        reason: object = error
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or tr("as a whole")
            reason = f"{where} {complaint(first, tr('table'))}"
        raise ModelError(
            "{name} is no taught model, or is damaged ({reason}): teach it again with "
            "`emolive adapt`.",
            name=path.name,
            reason=reason,
        ) from error
