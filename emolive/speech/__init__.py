"""Voice activity detection and the gate that keeps silence from being classified."""

from emolive.speech.gate import GateConfig, SpeechGate
from emolive.speech.silero import SileroStream, SileroVad

__all__ = ["GateConfig", "SileroStream", "SileroVad", "SpeechGate"]
