"""What a person can do about a stream that is not right."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from emolive.i18n import mark, tr
from emolive.types import Prediction, SpeechState
from emolive.wording import stream_name

_WAYS_OUT = {
    "darwin": mark(
        "allow it in System Settings > Privacy & Security > Microphone, then start again"
    ),
    "win32": mark(
        "allow it in Settings > Privacy & security > Microphone, and check that it is not muted"
    ),
}
_OTHERWISE = mark("check that it is not muted and may be used, or choose another input")


def zeros_hint(
    source: str, silent: Sequence[str], streams: Sequence[str], platform: str = sys.platform
) -> str | None:
    """One sentence on streams that deliver nothing but digital zeros, or None.

    `silent` are those of the source's `streams`; `platform` is as `sys.platform` names it.
    """
    if not silent:
        return None
    if len(silent) < len(streams):
        return tr(
            "{source}: no sound at all on {silent}: check the cable of that channel.",
            source=source,
            silent=", ".join(silent),
        )
    return tr(
        "{source} delivers only digital silence, as a microphone without permission "
        "does: {way_out}.",
        source=source,
        way_out=tr(_WAYS_OUT.get(platform, _OTHERWISE)),
    )


def one_sound_hint(source: str, remark: str, *, call: bool) -> str:
    """The sentence on a source whose two channels carry the same sound.

    `remark` says that they do, as a clause that follows the source's name; `call`: each channel is
    to be a party.
    """
    if not call:
        return f"{source} {remark}."
    return tr(
        "{source} {remark}, so the two parties cannot be told apart: it is treated as "
        "one channel, there is no overtalk to count, and without permission for the "
        "agent no emotion is inferred. Record a channel for each party, or leave out the "
        "roles.",
        source=source,
        remark=remark,
    )


def unheard_hint(source: str, streams: Sequence[str], windows: Sequence[Prediction]) -> str | None:
    """One sentence on a recorded call in which one party never speaks, or None.

    `streams` are the parties', `windows` all answers of the call.
    """
    heard = {window.stream for window in windows if window.state is not SpeechState.SILENCE}
    unheard = [stream_name(name) for name in streams if name not in heard]
    if not heard or not unheard:
        return None
    return tr(
        "{source}: nobody speaks on the channel {unheard} from beginning to end: see that the "
        "recording holds both parties, each on a channel of its own.",
        source=source,
        unheard=", ".join(unheard),
    )
