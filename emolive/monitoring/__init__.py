"""The one place where a live run is put together; the app, the terminal and servers describe it."""

from emolive.monitoring.baselines import BaselineChoice
from emolive.monitoring.call_monitor import CallMonitor, MonitoredCall
from emolive.monitoring.description import RecordingChoice, RunDescription, RunSettings
from emolive.monitoring.runs import MonitoredRun, Monitoring
from emolive.monitoring.sources import SourceChoice, SourceKind

__all__ = [
    "BaselineChoice",
    "CallMonitor",
    "MonitoredCall",
    "MonitoredRun",
    "Monitoring",
    "RecordingChoice",
    "RunDescription",
    "RunSettings",
    "SourceChoice",
    "SourceKind",
]
