"""What a person has chosen, kept between runs: a JSON file in the system's configuration folder.

A file that is broken, or holds a value that cannot be, costs only that value: the rest is used, the
original is kept beside it, and what happened is told. Entries that this version does not know (of a
newer one) are kept when settings are saved.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emolive.baseline import PRESETS, ExpectedMix
from emolive.errors import EmoliveError
from emolive.i18n import SYSTEM, tr
from emolive.inference.providers import Requested
from emolive.labels import PaletteName
from emolive.private_files import make_private_folder, owner_only
from emolive.session.export.atomic import replacing
from emolive.settings_folder import FILE_NAME, settings_folder

ThemeChoice = Literal["system", "light", "dark"]
TimelineView = Literal["areas", "lines"]
Lane = Literal["pitch", "intensity", "formants", "rate"]
Colour = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]

_MOST_BYTES = 1_000_000
_MOST_DEVICES = 50


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class DeviceSettings(_Part):
    """What was set while a device was in use, and comes back with it.

    ``channels`` and the ``group`` of its baseline, on the live page; in calls, the channel of the
    ``agent``, or, beside the agent's microphone, the system's name of the ``loopback``.
    """

    channels: Literal[1, 2] = 1
    group: str = Field(default="", max_length=100)
    agent: Literal["left", "right"] = "left"
    loopback: str | None = None


class InputSettings(_Part):
    """Where audio comes from.

    ``device``: its name, or its index where two have the same; None is the system's default.
    ``computer``: what this computer plays, too. ``devices``: those used last, the newest at the
    end.
    """

    device: str | int | None = None
    channels: Literal[1, 2] = 1
    computer: bool = False
    devices: Mapping[str, DeviceSettings] = Field(default_factory=dict)

    def of(self, device: str | int | None) -> DeviceSettings | None:
        """What is known of a device."""
        return self.devices.get(_device_name(device))

    def used_last(self, devices: Sequence[str | int | None]) -> int | None:
        """Which of these was used last, by its place; None: none of them is known."""
        names = [_device_name(device) for device in devices]
        known = [name for name in self.devices if name in names]
        return names.index(known[-1]) if known else None

    def knowing(self, device: str | int | None, **values: Any) -> Mapping[str, DeviceSettings]:
        """`devices` with other values for one; the one used longest ago gives way."""
        name = _device_name(device)
        old = self.devices.get(name, DeviceSettings())
        new = DeviceSettings.model_validate({**old.model_dump(), **values})
        others = [(key, value) for key, value in self.devices.items() if key != name]
        return dict([*others[1 - _MOST_DEVICES :], (name, new)])


class SoundSettings(_Part):
    """What is played: on which output (a key of `audio.outputs`; None: the system's default).

    ``muted``: files and the demo are analysed without being heard.
    """

    output: str | None = None
    volume: float = Field(default=0.8, ge=0.0, le=1.0)
    muted: bool = False


class ModelSettings(_Part):
    """Which network runs where. ``file``: None is the bundled model."""

    file: Path | None = None
    provider: Requested = "auto"


class AnalysisSettings(_Part):
    """How often to answer and how to decide; see `EngineConfig` and `DecisionConfig`."""

    hop_s: float = Field(default=0.5, ge=0.1, le=3.0)
    threshold: float | None = Field(default=None, ge=0.0, le=1.0)
    smoothing_s: float = Field(default=1.0, ge=0.0, le=10.0)
    min_dwell_s: float = Field(default=1.0, ge=0.0, le=10.0)


class BaselineSettings(_Part):
    """Whether answers are adapted to their source, and which mix is expected there.

    ``mix``: "calls", "talk" or "balanced" (see `emolive.baseline.PRESETS`), or "own" for the share
    ``neutral``. ``group`` keeps profiles of the same input apart (a language, a team).
    """

    on: bool = True
    mix: Literal["calls", "talk", "balanced", "own"] = "talk"
    neutral: float = Field(default=0.6, ge=0.01, le=0.99)
    group: str = Field(default="", max_length=100)

    @property
    def expected(self) -> ExpectedMix:
        """The mix that is meant."""
        return ExpectedMix(self.neutral if self.mix == "own" else PRESETS[self.mix])


class LookSettings(_Part):
    """How it looks. ``colours`` replace single emotions' colours of the palette.

    ``lanes`` are those of the voice on the live page; only what is shown is measured.
    ``scale`` enlarges everything, 1 to 2, from the next start on.
    """

    theme: ThemeChoice = "system"
    palette: PaletteName = "safe"
    colours: Mapping[str, Colour] = Field(default_factory=dict)
    view: TimelineView = "areas"
    lanes: tuple[Lane, ...] = Field(default=(), max_length=4)
    language: str = SYSTEM
    scale: float = Field(default=1.0, ge=1.0, le=2.0)


class RecordingSettings(_Part):
    """Where sessions go (None: the usual library), and whether their audio is kept, too."""

    library: Path | None = None
    save_audio: bool = True


class MarkingSettings(_Part):
    """In whose name marks are made; "": the name of the login."""

    annotator: str = Field(default="", max_length=1_000)


class AlertSettings(_Part):
    """Which rules are watched for; None: none."""

    rules_file: Path | None = None


class PrivacySettings(_Part):
    """What is kept beyond what is on the screen.

    ``keep_minutes``: the last minutes of sound stay in memory, so that moments can be explained.
    ``remember_input``: the input chosen last is remembered, and what was set with each.
    ``remember_files``: files opened last stay in the list of inputs. ``level_before``: an input
    that is about to be used is opened to show its level.
    """

    keep_minutes: float = Field(default=5.0, ge=0.0, le=30.0)
    level_before: bool = True
    remember_input: bool = True
    remember_files: bool = False


class WindowSettings(_Part):
    """Where the window was, and whether the guide of the first run is over."""

    width: int | None = Field(default=None, ge=1, le=20_000)
    height: int | None = Field(default=None, ge=1, le=20_000)
    maximised: bool = False
    guide_done: bool = False
    files: Sequence[Path] = Field(default=(), max_length=5)


class Settings(_Part):
    """Everything that is remembered."""

    input: InputSettings = Field(default_factory=InputSettings)
    sound: SoundSettings = Field(default_factory=SoundSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    analysis: AnalysisSettings = Field(default_factory=AnalysisSettings)
    baseline: BaselineSettings = Field(default_factory=BaselineSettings)
    look: LookSettings = Field(default_factory=LookSettings)
    recording: RecordingSettings = Field(default_factory=RecordingSettings)
    marking: MarkingSettings = Field(default_factory=MarkingSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    privacy: PrivacySettings = Field(default_factory=PrivacySettings)
    window: WindowSettings = Field(default_factory=WindowSettings)

    def with_values(self, part: str, **values: Any) -> Settings:
        """A copy in which values of one part are others.

        Raises:
            ValidationError: a value cannot be.
        """
        old = getattr(self, part)
        new = type(old).model_validate({**old.model_dump(), **values})
        return self.model_copy(update={part: new})

    def with_device(self, device: str | int | None, *, computer: bool = False) -> Settings:
        """A copy with another input, and with what was set when that was in use last."""
        old = self.input
        kept = old.knowing(old.device, channels=old.channels, group=self.baseline.group)
        known = old.of(device) or DeviceSettings(channels=old.channels, group=self.baseline.group)
        there = self.with_values(
            "input", device=device, computer=computer, channels=known.channels, devices=kept
        )
        return there.with_values("baseline", group=known.group)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings as far as they could be read, and one sentence on what could not."""

    settings: Settings
    problem: str | None = None


def _device_name(device: str | int | None) -> str:
    return "" if device is None else str(device)


class SettingsStore:
    """Reads and writes the file. One program uses it at a time; the last to save wins."""

    def __init__(self, path: Path | None = None) -> None:
        """Use `path`; None: `FILE_NAME` in the system's folder."""
        self.path = path or settings_folder() / FILE_NAME

    def load(self) -> Loaded:
        """Read what can be read; never raises."""
        try:
            with self.path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            return Loaded(Settings())
        except OSError as error:
            reason = error.strerror or str(error)
            text = tr(
                "The settings in {path} cannot be read ({reason}): the usual ones are used.",
                path=self.path,
                reason=reason,
            )
            return Loaded(Settings(), text)
        try:
            values = json.loads(content) if len(content) <= _MOST_BYTES else None
            if not isinstance(values, dict):
                raise ValueError("no JSON object")
        except (ValueError, RecursionError):
            kept = self._keep_broken()
            text = tr(
                "The settings could not be understood, so the usual ones are used; the old file "
                "is kept as {kept}.",
                kept=kept,
            )
            return Loaded(Settings(), text)
        settings, wrong = _tolerant(values)
        if not wrong:
            return Loaded(settings)
        kept = self._keep_broken()
        text = tr(
            "Some settings could not be understood and have their usual values ({names}); the old "
            "file is kept as {kept}.",
            names=", ".join(wrong),
            kept=kept,
        )
        return Loaded(settings, text)

    def save(self, settings: Settings) -> None:
        """Write them; the file is whole at any time.

        Raises:
            EmoliveError: they cannot be written.
        """
        try:
            make_private_folder(self.path.parent, exist_ok=True)
            with (
                replacing(self.path) as partial,
                open(partial, "w", encoding="utf-8", opener=owner_only) as file,
            ):
                file.write(settings.model_dump_json(indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise EmoliveError(
                "The settings cannot be saved in {path} ({reason}): free space or allow it.",
                path=self.path,
                reason=error.strerror or str(error),
            ) from error

    def _keep_broken(self) -> str:
        """Copy the file aside under a free name; returns that name."""
        kept = self.path.with_name(f"{self.path.stem}.broken{self.path.suffix}")
        number = 1
        while kept.exists():
            number += 1
            kept = self.path.with_name(f"{self.path.stem}.broken-{number}{self.path.suffix}")
        with contextlib.suppress(OSError):  # telling about it must not fail
            shutil.copy2(self.path, kept)
        return kept.name


def _tolerant(values: dict[str, Any]) -> tuple[Settings, list[str]]:
    """Settings without the entries that cannot be, and the names of those."""
    wrong: list[str] = []
    while True:
        try:
            return Settings.model_validate(values), wrong
        except ValidationError as error:
            for problem in error.errors():
                if (name := _remove(values, problem["loc"])) not in wrong:
                    wrong.append(name)


def _remove(values: dict[str, Any], location: tuple[int | str, ...]) -> str:
    """Take out what a problem is about: an entry of a part, or a part that is none."""
    part = str(location[0])
    held = values.get(part)
    if len(location) > 1 and isinstance(held, dict):
        held.pop(str(location[1]), None)
        return f"{part}.{location[1]}"
    values.pop(part, None)
    return part
