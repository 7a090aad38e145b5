"""Errors a person can act on: one sentence with the way out."""

from __future__ import annotations

from emolive.i18n import Said, tr


class EmoliveError(Exception):
    """A problem of usage or environment; its text is one clear sentence with the way out.

    It takes what `tr` does, and speaks the language in use; or a text that somebody said.
    """

    def __init__(self, message: str, /, **values: object) -> None:
        super().__init__(message if isinstance(message, Said) else tr(message, **values))


class AudioDeviceError(EmoliveError):
    """No usable audio device, or it refused to open."""


class AudioFileError(EmoliveError):
    """A file that cannot be read as audio."""


class ModelError(EmoliveError):
    """A model file that breaks the contract of metadata, shapes or labels."""


class ProviderError(EmoliveError):
    """The inference provider that was asked for cannot be used here."""


class SessionError(EmoliveError):
    """The library of sessions, or a session in it, cannot be used as asked."""


def first_line(error: BaseException) -> str:
    """What an exception says first, in short and without its full stop; else what it is."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".:")[:200]
