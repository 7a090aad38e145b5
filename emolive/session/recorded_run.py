"""The session that a live run becomes."""

from __future__ import annotations

from datetime import UTC, datetime

from emolive.audio.source import SourceFormat
from emolive.i18n import tr
from emolive.session.recorder_status import RecordingRequest
from emolive.session.records import SessionInfo, StreamInfo
from emolive.types import Role, RunFacts


def new_session(
    facts: RunFacts,
    source_format: SourceFormat,
    native_rate: int,
    request: RecordingRequest,
    started: float,
) -> SessionInfo:
    """A session of a run that began at `started` (seconds since 1970), its audio at `native_rate`.

    Without a title it is called after its source and the time.
    """
    streams = tuple(
        StreamInfo(
            name,
            native_rate,
            source_format.role(channel),
            facts.infers_agents or source_format.role(channel) is not Role.AGENT,
        )
        for channel, name in enumerate(source_format.streams)
    )
    started_at = datetime.fromtimestamp(started, UTC)
    when = f"{started_at.astimezone():%Y-%m-%d %H:%M}"
    return SessionInfo(
        streams=streams,
        rate=facts.rate,
        labels=facts.labels,
        hop_samples=facts.hop_samples,
        window_samples=facts.window_samples,
        model=facts.model,
        provider=facts.provider,
        source=facts.source,
        title=request.title or tr("{source}, {when}", source=facts.source, when=when),
        tags=request.tags,
        started_at=started_at,
    )
