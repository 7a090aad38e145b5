"""What is known about a conversation at one moment; `definitions` says what each number means."""

from __future__ import annotations

from dataclasses import dataclass, replace

from emolive.types import Role

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


# Two people never speak together for so much of the time in which anybody does.
_SAME_SOUND = 0.8
_JUDGED_S = 4.0
# Numbers of a party that mean something only beside another one.
_TAKE_TWO = {"turns", "longest_monologue_s", "responses", "interruptions"}


@dataclass(frozen=True, slots=True)
class Stretches:
    """How many there were and how long they were together."""

    count: int
    total_s: float


@dataclass(frozen=True, slots=True)
class Responses:
    """How a party took the floor: floor-transfer offsets, positive gaps, negative overlaps.

    ``mean_s``, ``median_s`` and ``p90_s`` are None while there are none.
    """

    count: int
    gaps: int
    overlaps: int
    mean_s: float | None
    median_s: float | None
    p90_s: float | None


@dataclass(frozen=True, slots=True)
class PartyMetrics:
    """One party's side.

    ``talk_share`` is the share of all talk time, None before anybody spoke; ``level_dbfs`` and
    ``syllables_per_s`` (an estimate) are None before the party spoke, and where only its voice
    activity is known.
    """

    stream: str
    role: Role | None
    speaking: bool
    talk_s: float
    talk_share: float | None
    turns: int
    longest_monologue_s: float
    responses: Responses
    pauses: Stretches
    interruptions: int
    interruption_attempts: int
    level_dbfs: float | None
    syllables_per_s: float | None

    @property
    def name(self) -> str:
        """The role where there is one, otherwise the stream."""
        return self.role.value if self.role else self.stream


@dataclass(frozen=True, slots=True)
class ConversationMetrics:
    """A snapshot. ``talk_s - overtalk_s + silence_s = observed_s``, `talk_s` being of all parties.

    Times in seconds since the start. ``current_silence_s`` is the mutual silence right now (0.0
    while somebody speaks). A mono recording has one party: who speaks there cannot be told, so
    ``separable`` is false, and what takes two to have is 0. Nor can it where both parties' channels
    carry the same sound, so that nearly all speech is overtalk; `voices` then is as of mono.
    """

    duration_s: float
    observed_s: float
    silence_s: float
    longest_silence_s: float
    current_silence_s: float
    overtalk_s: float
    overlaps: int
    gaps: Stretches
    overlaps_between: Stretches
    overlaps_within: Stretches
    parties: tuple[PartyMetrics, ...]

    @property
    def separable(self) -> bool:
        """Whether parties can be told apart."""
        together = self.talk_s - self.overtalk_s
        same = together >= _JUDGED_S and self.overtalk_s >= _SAME_SOUND * together
        return len(self.parties) > 1 and not same

    @property
    def voices(self) -> tuple[PartyMetrics, ...]:
        """Who can be told apart: the parties, or one for both ("both")."""
        if self.separable or len(self.parties) < 2:
            return self.parties
        one = self.parties[0]
        alone = Responses(0, 0, 0, None, None, None)
        return (
            replace(
                one, stream="both", role=None, talk_share=1.0, responses=alone,
                interruptions=0, interruption_attempts=0,
            ),
        )  # fmt: skip

    def tells(self, field: str) -> bool:
        """Whether a party's `field` means something here, or takes two who are told apart."""
        return self.separable or field not in _TAKE_TWO

    @property
    def talk_s(self) -> float:
        """The talk time of all parties; overtalk counts for each of them."""
        return sum(party.talk_s for party in self.parties)

    @property
    def silence_share(self) -> float:
        """Mutual silence as a share of what was observed."""
        return self.silence_s / self.observed_s if self.observed_s else 0.0

    @property
    def overtalk_share(self) -> float:
        """Overtalk as a share of what was observed."""
        return self.overtalk_s / self.observed_s if self.observed_s else 0.0

    def party(self, who: Role | str) -> PartyMetrics:
        """The party with this role, or on this stream.

        Raises:
            KeyError: there is none.
        """
        for party in self.parties:
            if who in (party.role, party.stream):
                return party
        raise KeyError(who)

    def to_dict(self) -> dict[str, JsonValue]:
        """As plain JSON values, rounded to the millisecond and the like."""
        return {
            **_rounded(self),
            "separable": self.separable,
            "silence_share": round(self.silence_share, 4),
            "overtalk_share": round(self.overtalk_share, 4),
        }


def _rounded(
    record: ConversationMetrics | PartyMetrics | Responses | Stretches,
) -> dict[str, JsonValue]:
    return {name: _plain(getattr(record, name)) for name in record.__slots__}


def _plain(value: object) -> JsonValue:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, Role):
        return value.value
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, PartyMetrics | Responses | Stretches):
        return _rounded(value)
    raise TypeError(f"{value!r} is no JSON value")
