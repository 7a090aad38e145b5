"""What is said of a finished recording."""

from __future__ import annotations

from emolive.i18n import tr
from emolive.session.recorder import RecorderState, RecorderStatus
from emolive.session.records import SessionInfo
from emolive.times import length_text
from emolive.ui.messages import Action, Message, Severity


def recorded_message(status: RecorderStatus, session: SessionInfo | None) -> Message:
    """How it ended, in a sentence; `session` None: nothing was stored."""
    if status.state is RecorderState.FAILED:
        text = status.error or tr("The recording failed.")
        return Message(Severity.ERROR, text, Action.SETTINGS)
    if session is None:
        return Message(Severity.INFO, tr("Nothing was recorded: there was no sound."))
    text = tr(
        "Recorded {duration} as “{title}”.",
        duration=length_text(session.duration_s),
        title=session.title or session.id,
    )
    if status.error:
        return Message(Severity.WARNING, f"{text} {status.error}")
    return Message(Severity.INFO, text)
