"""Where the package's log goes: nowhere, unless somebody asks, and the app's own file.

Every module logs under its own name, to `logging.getLogger(__name__)`. A log may be read by
strangers, in a report of a problem, say: its messages are words, counts and rates of our own, and
name no person, file, device, title, emotion or address. What an exception says may name them all,
so of one there are its type, where it was raised, and no text but the system's.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from enum import StrEnum
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import platformdirs

from emolive.i18n import tr
from emolive.plain_text import plain
from emolive.private_files import close_to_others, make_private_folder, owner_only

_MOST_BYTES = 1_000_000
_OLDER_FILES = 3
_MOST_STEPS = 40
# Not the thread's name, which may hold that of a call or of a server.
_LINE = "%(asctime)s %(levelname)s %(name)s [%(process)d/%(thread)d] %(message)s"
_OURS = Path(__file__).parent
# What they say is about code alone.
_ABOUT_CODE = (AttributeError, ImportError, MemoryError, NameError, RecursionError, TypeError)


class LogLevel(StrEnum):
    """How much is said."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_package = logging.getLogger("emolive")
_log = logging.getLogger(__name__)


def app_log_file() -> Path:
    """The app's log; up to three older ones lie beside it."""
    return platformdirs.user_log_path("emolive", appauthor=False) / "emolive.log"


class LogFormatter(logging.Formatter):
    """One line for each message and each step of a traceback, without control characters."""

    def __init__(self) -> None:
        super().__init__(_LINE)

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a traceback below."""
        # Another handler's text of the exception would be taken as it is.
        text, record.exc_text = record.exc_text, getattr(record, "private_trace", None)
        try:
            return plain(super().format(record))
        finally:
            record.exc_text = text

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line; a message has no second one."""
        return super().formatMessage(record).replace("\n", " ")

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """What was raised and where, causes first."""
        return private_trace(ei[1])


def private_trace(error: BaseException | None) -> str:
    """A traceback that names code alone: files of the program, lines, types."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(line for one in reversed(chain) for line in _lines(one))


def _lines(error: BaseException) -> Iterator[str]:
    steps = list(traceback.walk_tb(error.__traceback__))[-_MOST_STEPS:]
    for frame, line in steps:
        yield f"  {_code_file(frame.f_code.co_filename)}:{line} in {frame.f_code.co_name}"
    said = ""
    if isinstance(error, OSError):
        said = f": {error.errno} {os.strerror(error.errno)}" if error.errno else ""
    elif isinstance(error, _ABOUT_CODE):
        said = f": {error}"
    yield f"{type(error).__module__}.{type(error).__qualname__}{said}"


def _code_file(name: str) -> str:
    """A file of code, without the folders above, which name their owner."""
    path = Path(name)
    if path.is_relative_to(_OURS):
        return path.relative_to(_OURS.parent).as_posix()
    return "/".join(path.parts[-2:])


class _LogFile(RotatingFileHandler):
    """For its owner alone; a full disk, or another program's hand on it, loses lines only."""

    def _open(self) -> Any:
        file = open(  # noqa: SIM115 - the handler closes it
            self.baseFilename, "a", encoding="utf-8", errors="backslashreplace", opener=owner_only
        )
        path = Path(self.baseFilename)
        if path.is_file():  # and no device, which others need
            close_to_others(path)
        return file

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Go on."""


class _Terminal(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Go on: nobody may be listening any more."""


@contextmanager
def log_to(file: Path | None, level: LogLevel = LogLevel.INFO) -> Iterator[None]:
    """Log messages from `level` on to `file`, at most 4 MB of it, or to standard error, meanwhile.

    Raises:
        OSError: the file cannot be written.
    """
    handler: logging.Handler
    if file is not None:
        handler = _LogFile(file, maxBytes=_MOST_BYTES, backupCount=_OLDER_FILES)
    else:
        handler = _Terminal(sys.stderr)
    handler.setFormatter(LogFormatter())
    handler.setLevel(level.upper())
    _package.addHandler(handler)
    _set_level()
    try:
        yield
    finally:
        _package.removeHandler(handler)
        _set_level()
        handler.close()


@contextmanager
def log_of_the_app() -> Iterator[None]:
    """Log to `app_log_file` meanwhile, or not at all where it cannot be written."""
    with ExitStack() as stack:
        with suppress(OSError):
            file = app_log_file()
            make_private_folder(file.parent, exist_ok=True)
            stack.enter_context(log_to(file))
        yield


@contextmanager
def forwarded(send: Callable[[logging.LogRecord], None]) -> Iterator[None]:
    """In another process: hand each record, made ready to be sent, to `send`, meanwhile.

    The other end passes it to `take`.
    """
    handler = _Forward(send)
    _package.addHandler(handler)
    _package.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        _package.removeHandler(handler)
        _set_level()


class _Forward(logging.Handler):
    def __init__(self, send: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send words only: neither arguments nor a traceback need be fit to be sent."""
        record.msg, record.args = record.getMessage(), None
        if record.exc_info:
            record.private_trace = private_trace(record.exc_info[1])
            record.exc_info = None
        with suppress(OSError):
            self._send(record)


def take(record: logging.LogRecord) -> None:
    """Log what another process sent."""
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)


def _set_level() -> None:
    """Have the package log what any handler wants, and else what is usual."""
    wanted = [handler.level for handler in _package.handlers if handler.level]
    _package.setLevel(min(wanted, default=logging.NOTSET))


@contextmanager
def nothing_unseen(tell: Callable[[str], None]) -> Iterator[None]:
    """Log what nobody caught, on any thread and in Qt's slots, meanwhile; `tell` a person, too."""
    before = sys.excepthook, threading.excepthook, sys.unraisablehook

    def caught(error: BaseException | None, where: str) -> None:
        if not isinstance(error, Exception):
            return
        _log.critical("Not caught %s", where, exc_info=error)
        tell(
            tr(
                "emolive hit an unexpected problem ({kind}: {error}) and goes on: run it "
                "again as `emolive --log-level info ...` and report what it prints.",
                kind=type(error).__name__,
                error=error,
            )
        )

    def on_main(
        kind: type[BaseException],  # noqa: ARG001
        error: BaseException,
        trace: TracebackType | None,  # noqa: ARG001
    ) -> None:
        caught(error, "on the main thread")

    sys.excepthook = on_main
    threading.excepthook = lambda args: caught(args.exc_value, "on another thread")
    sys.unraisablehook = lambda args: caught(args.exc_value, "where none can be raised")
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook, sys.unraisablehook = before
