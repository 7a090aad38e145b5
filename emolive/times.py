"""Moments and lengths of time as people read them, the same everywhere; lengths are rounded."""

from __future__ import annotations

from emolive.i18n import decimal, decimal_mark, ntr, tr


def clock_text(seconds: float) -> str:
    """A moment: ``m:ss``, from one hour on ``h:mm:ss``. A second lasts to its end."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def length_text(seconds: float) -> str:
    """A length of time as a clock shows it, rounded to seconds."""
    return clock_text(round(seconds))


def clock_tenths(seconds: float) -> str:
    """``m:ss.t``, from one hour on ``h:mm:ss.t``; rounded to tenths."""
    whole, tenths = divmod(round(seconds * 10), 10)
    return f"{clock_text(whole)}{decimal_mark()}{tenths}"


def table_time(seconds: float) -> str:
    """As `clock_tenths`, of one width below an hour: ``mm:ss.t``."""
    return clock_tenths(seconds).zfill(7)


def duration_text(seconds: float) -> str:
    """``3.7 s``, ``42 s``, ``3 min 05 s``, ``2 h 10 min``; rounded to what is shown."""
    if round(seconds, 1) < 10:
        return seconds_text(seconds)
    if round(seconds) < 60:
        return seconds_text(seconds, 0)
    if round(seconds) < 3600:
        minutes, rest = divmod(round(seconds), 60)
        return tr("{minutes} min {seconds} s", minutes=minutes, seconds=f"{rest:02}")
    hours, minutes = divmod(round(seconds / 60), 60)
    return tr("{hours} h {minutes} min", hours=hours, minutes=f"{minutes:02}")


def seconds_text(seconds: float, digits: int = 1) -> str:
    """``3.7 s``; for lengths that are compared with each other."""
    return tr("{seconds} s", seconds=decimal(seconds, digits))


def minutes_text(seconds: float) -> str:
    """``5 minutes``, rounded."""
    return ntr("{count} minute", "{count} minutes", max(1, round(seconds / 60)))
