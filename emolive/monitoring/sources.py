"""What is heard: a microphone, the demo, a file, or a call, as a source that is not opened yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from emolive import resources
from emolive.i18n import tr
from emolive.session.shift import AGENT_TAG, TEAM_TAG
from emolive.types import Role

if TYPE_CHECKING:
    from emolive.audio.call import Side
    from emolive.audio.loopback import LoopbackDevice
    from emolive.audio.source import AudioSource


class CallKind(StrEnum):
    """What a call comes from; MONO_FILE has both parties on one channel."""

    DEVICE = "device"
    LOOPBACK = "loopback"
    STEREO_FILE = "stereo file"
    TWO_FILES = "two files"
    MONO_FILE = "mono file"


@dataclass(frozen=True, slots=True)
class CallChoice:
    """One call to be.

    `device` is a stereo device, or with LOOPBACK the agent's microphone (None: the default one);
    `files` are one recording, or the agent's and the customer's; `agent` is the agent's channel
    where one source has both. `agent_name` and `team` say whose call it is ("": nobody said).
    """

    kind: CallKind
    name: str
    device: str | int | None = None
    loopback: LoopbackDevice | None = None
    files: tuple[Path, ...] = ()
    agent: Side = "left"
    agent_name: str = ""
    team: str = ""

    @property
    def tags(self) -> tuple[str, ...]:
        """Under which a recording is found: ``agent:NAME`` and ``team:NAME``."""
        named = ((AGENT_TAG, self.agent_name), (TEAM_TAG, self.team))
        return tuple(prefix + name for prefix, name in named if name)

    @property
    def has_agent(self) -> bool:
        """Whether the parties can be told apart."""
        return self.kind is not CallKind.MONO_FILE

    @property
    def recorded(self) -> bool:
        """Whether it is a recording."""
        return bool(self.files)

    def swapped(self) -> CallChoice:
        """With the parties exchanged."""
        if self.kind is CallKind.TWO_FILES:
            return replace(self, files=self.files[::-1])
        return replace(self, agent="right" if self.agent == "left" else "left")

    def describe(self) -> str:
        """Who is heard where, for people."""
        left, right = tr("agent left, customer right"), tr("agent right, customer left")
        side = left if self.agent == "left" else right
        if self.kind is CallKind.DEVICE:
            return tr("device, {side}", side=side)
        if self.kind is CallKind.LOOPBACK:
            return tr("agent: microphone, customer: what this computer plays")
        if self.kind is CallKind.STEREO_FILE:
            return tr("stereo recording, {side}", side=side)
        if self.kind is CallKind.TWO_FILES:
            agent, customer = (path.name for path in self.files)
            return tr("agent: {agent}, customer: {customer}", agent=agent, customer=customer)
        return tr("one channel: the parties cannot be told apart")


def open_call(choice: CallChoice) -> AudioSource:
    """The source, not opened yet; recordings are played as if they were spoken now."""
    from emolive.audio.call import CallSource, call_recording
    from emolive.audio.files import FileSource

    if choice.kind in (CallKind.TWO_FILES, CallKind.STEREO_FILE):
        return call_recording(choice.files, choice.agent, paced=True)
    if choice.kind is CallKind.MONO_FILE:
        return FileSource(choice.files[0], paced=True, block_s=0.1, channels="mix")
    if choice.kind is CallKind.DEVICE:
        from emolive.audio.microphone import Microphone

        return CallSource(Microphone(choice.device, channels=2), choice.agent)
    from emolive.audio.beside import call_on_this_computer

    return call_on_this_computer(choice.device, choice.loopback)


_AGENT = "agent|operator|representative|rep|advisor|employee|staff|internal|tx"
_CUSTOMER = "customer|caller|client|cust|external|guest|rx"
_PARTY = re.compile(rf"(?<![a-z])(?:(?P<agent>{_AGENT})|(?P<customer>{_CUSTOMER}))(?![a-z])", re.I)


def party_in(path: Path) -> tuple[Role | None, str]:
    """Who a file's name says is heard in it, and the name without that word."""
    found = list(_PARTY.finditer(path.stem))
    if not found:
        return None, path.stem
    last = found[-1]
    rest = path.stem[: last.start()] + path.stem[last.end() :]
    rest = re.sub(r"[\s._-]*(?:\(\s*\)|\[\s*\])?[\s._-]*$", "", rest).strip(" ._-") or path.stem
    return (Role.AGENT if last["agent"] else Role.CUSTOMER), rest


def calls_in(paths: Sequence[Path], channels: Sequence[int]) -> list[CallChoice]:
    """The calls that some files hold; `channels` are those of each file.

    A file that names its party in its file name goes with the one that has the same name but for
    that word. Two files that name nobody are taken as the agent's and the customer's.
    """
    waiting: dict[tuple[Path, str], dict[Role, Path]] = {}
    single: list[tuple[Path, int]] = []
    for path, count in zip(paths, channels, strict=True):
        role, rest = party_in(path)
        pair = waiting.setdefault((path.parent, rest.casefold()), {}) if role else {}
        if role is None or count > 1 or role in pair:
            single.append((path, count))
        else:
            pair[role] = path
    calls = []
    for pair in waiting.values():
        if len(pair) == 2:
            files = (pair[Role.AGENT], pair[Role.CUSTOMER])
            calls.append(CallChoice(CallKind.TWO_FILES, party_in(files[0])[1], files=files))
        else:
            single += [(path, 1) for path in pair.values()]
    if len(paths) == 2 and len(single) == 2 and all(count == 1 for _, count in single):
        files = (single[0][0], single[1][0])
        name = f"{files[0].stem} + {files[1].stem}"
        return [CallChoice(CallKind.TWO_FILES, name, files=files)]
    for path, count in single:
        kind = CallKind.STEREO_FILE if count == 2 else CallKind.MONO_FILE
        calls.append(CallChoice(kind, path.stem, files=(path,)))
    return sorted(calls, key=lambda call: call.name.casefold())


def look_into(paths: Sequence[Path]) -> tuple[list[CallChoice], list[str]]:
    """The calls in files, and sentences about those that cannot be used. Reads their heads."""
    from emolive.audio.decoding import FileDecoder
    from emolive.errors import EmoliveError

    usable: list[Path] = []
    channels: list[int] = []
    problems: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            decoder = FileDecoder(path, 0.1, "split")
        except EmoliveError as error:
            problems.append(str(error))
            continue
        usable.append(path)
        channels.append(len(decoder.format.streams))
        decoder.close()
    return calls_in(usable, channels), problems


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
