"""How the conversation of a recorded session went, from the voice activity that it keeps."""

from __future__ import annotations

from emolive.conversation import ConversationMeter, ConversationMetrics, Party
from emolive.session.library_reader import LibraryReader
from emolive.session.records import SessionInfo


def session_conversation(
    library: LibraryReader, session: SessionInfo
) -> ConversationMetrics | None:
    """Metrics of a session of two streams; None of any other, or without voice activity.

    The speaking rate is not among them: it takes the sound.
    """
    if len(session.streams) != 2:
        return None
    parties = [Party(stream.name, stream.role) for stream in session.streams]
    meter = ConversationMeter(parties, session.rate, patience_s=None)
    known = False
    for stream in session.streams:
        for activity in library.activity(session.id, stream.name):
            known = known or bool(len(activity.speech))
            meter.accept_activity(stream.name, activity)
    return meter.finish() if known else None
