"""Thresholds of the conversation metrics; `definitions` says what they are for."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ConversationConfig(BaseModel):
    """Durations in seconds.

    `fill_in_s`: silence shorter than this inside one party's speech is part of it.
    `throwaway_s`: speech shorter than this (after filling in) is not speech.
    `speech_probability`: a chunk counts when the gate flags it and the detector says at least this,
    which leaves out the gate's hang-over behind each word.
    `interruption_s`: how long both speak before it counts as an interruption.
    `backchannel_s`: an utterance up to this long does not end the other party's monologue.
    `monologue_pause_s`: mutual silence longer than this does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fill_in_s: float = Field(default=0.2, ge=0, le=2)
    throwaway_s: float = Field(default=0.1, ge=0, le=1)
    speech_probability: float = Field(default=0.35, ge=0, lt=1)
    interruption_s: float = Field(default=0.5, gt=0, le=10)
    backchannel_s: float = Field(default=1.0, ge=0, le=10)
    monologue_pause_s: float = Field(default=3.0, gt=0, le=60)
