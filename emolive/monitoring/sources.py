"""What is heard: a microphone, the demo, a file, or a call, as a source that is not opened yet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from emolive import resources
from emolive.monitoring.call_choices import CallChoice, open_call

if TYPE_CHECKING:
    from emolive.audio.source import AudioSource


class SourceKind(StrEnum):
    """Where audio comes from."""

    MICROPHONE = "microphone"
    DEMO = "demo"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """One entry of the picker; ``channels`` is what the input has, 0 if not known.

    ``computer``: beside the microphone, what this computer plays is a second stream.
    """

    kind: SourceKind
    title: str
    device: str | int | None = None
    path: Path | None = None
    channels: int = 0
    computer: bool = False


def open_source(choice: SourceChoice | CallChoice, *, split: bool = False) -> AudioSource:
    """The audio source for a choice; `split` keeps two channels apart.

    A file with more than two channels is mixed: the window has room for two streams.

    Raises:
        AudioFileError: the file is missing or no audio.
        AudioDeviceError: what this computer plays cannot be heard.
    """
    if isinstance(choice, CallChoice):
        return open_call(choice)
    if choice.computer:
        from emolive.audio.beside import microphone_and_computer

        return microphone_and_computer(choice.device)
    if choice.kind is SourceKind.MICROPHONE:
        from emolive.audio.microphone import Microphone

        return Microphone(choice.device, channels=2 if split else 1)
    from emolive.audio.files import FileSource

    path = choice.path or resources.asset(resources.DEMO_AUDIO)
    source = FileSource(path, paced=True, channels="split" if split else "mix")
    # Here, so that a bad file is told at once and before the model is loaded for it.
    streams = source.open().streams
    source.close()
    if len(streams) > 2:
        return FileSource(path, paced=True, channels="mix")
    return source
