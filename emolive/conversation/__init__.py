"""How a conversation goes: talk time, turns, gaps, overlaps, silence, from voice activity alone.

Nothing here is about emotion, so it applies to every party of a call. `definitions` says what each
number means and where its definition comes from.
"""

from emolive.conversation.meter import (
    CallAnalysis,
    ConversationConfig,
    ConversationMeter,
    Party,
    analyze_call,
)
from emolive.conversation.metrics import ConversationMetrics, PartyMetrics, Responses, Stretches

__all__ = [
    "CallAnalysis",
    "ConversationConfig",
    "ConversationMeter",
    "ConversationMetrics",
    "Party",
    "PartyMetrics",
    "Responses",
    "Stretches",
    "analyze_call",
]
