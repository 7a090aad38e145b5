"""Settings of the engine, checked once and frozen."""

from __future__ import annotations

import math

from pydantic import AwareDatetime, BaseModel, Field

from emolive.errors import EmoliveError
from emolive.features import AnyFrontEndSpec
from emolive.i18n import decimal
from emolive.inference.decision import DecisionConfig
from emolive.inference.providers import CUDA_BATCHES, largest_batch
from emolive.speech.gate import GateConfig
from emolive.types import Role


class AgentPermission(BaseModel, frozen=True, extra="forbid"):
    """The deliberate decision to infer the emotions of the person at work, for one run.

    In the European Union, inferring the emotions of employees at work is prohibited (AI Act,
    Art. 5(1)(f)), so this is never the default: `granted_by` (a person or a policy file) decided it
    at `granted_at`, having been told `statement`.
    """

    granted_by: str = Field(min_length=1)
    granted_at: AwareDatetime
    statement: str = Field(min_length=1)


class EngineConfig(BaseModel, frozen=True, extra="forbid"):
    """How often to answer, how to decide, how much to buffer.

    `hop_s` is the time from one window's end to the next. `ring_s` is the room between capture and
    analysis: a worker that is later than this loses audio (counted). `max_batch` windows at most
    go to the classifier at once (None: as its processor takes). `poll_s` is how often the live
    worker looks for new audio, which is also how often new spectrogram frames come out; it looks
    more often when a window is due.
    Without an `agent_permission`, emotion is inferred on no stream whose role is the agent's.
    """

    hop_s: float = Field(default=0.5, ge=0.1, le=3.0)
    decision: DecisionConfig = Field(default_factory=DecisionConfig)
    gate: GateConfig = Field(default_factory=GateConfig)
    ring_s: float = Field(default=30.0, ge=5.0, le=600.0)
    max_batch: int | None = Field(default=None, ge=1, le=CUDA_BATCHES[-1])
    poll_s: float = Field(default=0.03, gt=0.0, le=0.5)
    zeros_after_s: float = Field(default=2.0, gt=0.0)
    status_every_s: float = Field(default=1.0, gt=0.0)
    reconnect_every_s: float = Field(default=1.0, gt=0.0)
    agent_permission: AgentPermission | None = None

    def batch_on(self, provider: str) -> int:
        """How many windows go at most to a classifier at once that runs on `provider`."""
        return self.max_batch or largest_batch(provider)

    def infers_emotion(self, role: Role | None) -> bool:
        """Whether emotion is inferred on a stream with this role."""
        return role is not Role.AGENT or self.agent_permission is not None

    def hop_samples(self, spec: AnyFrontEndSpec) -> int:
        """The hop in samples at the model rate.

        Raises:
            EmoliveError: it is not a multiple of the front end's grid.
        """
        exact = self.hop_s * spec.sampling_rate
        samples = round(exact)
        if not math.isclose(exact, samples, abs_tol=1e-6) or samples % spec.grid:
            step_ms = 1000 * spec.grid / spec.sampling_rate
            raise EmoliveError(
                "A hop of {hop_s} s does not fit the model: use a multiple of {step_ms} "
                "ms between 0.1 and 3.0 s.",
                hop_s=decimal(self.hop_s),
                step_ms=decimal(step_ms),
            )
        return samples
