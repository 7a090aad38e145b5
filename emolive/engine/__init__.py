"""The pipeline from audio to decisions, and what drives it live and offline."""

from emolive.engine.config import AgentPermission, EngineConfig
from emolive.engine.hub import Hub, Mailbox
from emolive.engine.monitor import Monitor
from emolive.engine.offline import FileAnalysis, analyze_file
from emolive.engine.run import EngineTotals, LiveRun

__all__ = [
    "AgentPermission",
    "EngineConfig",
    "EngineTotals",
    "FileAnalysis",
    "Hub",
    "LiveRun",
    "Mailbox",
    "Monitor",
    "analyze_file",
]
