"""The pipeline from audio to decisions, and what drives it live and offline."""

from emolive.engine.config import AgentPermission, EngineConfig
from emolive.engine.hub import Hub, Mailbox
from emolive.engine.live import LiveEngine
from emolive.engine.monitor import Monitor
from emolive.engine.offline import FileAnalysis, analyze_file
from emolive.engine.pool import MonitorPool, PooledCall, PoolStatus
from emolive.engine.wall import WallEngine

__all__ = [
    "AgentPermission",
    "EngineConfig",
    "FileAnalysis",
    "Hub",
    "LiveEngine",
    "Mailbox",
    "Monitor",
    "MonitorPool",
    "PoolStatus",
    "PooledCall",
    "WallEngine",
    "analyze_file",
]
