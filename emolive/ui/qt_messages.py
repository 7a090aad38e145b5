"""Qt's own messages, in the log instead of on standard error."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

_log = logging.getLogger(__name__)

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_MOST_LETTERS = 300
_MOST_MESSAGES = 200
# What may be a name: quoted texts, addresses, paths.
_NAMES = re.compile(r"\"[^\"]*\"|“[^”]*”|'[^']*'|\w+://\S+|(?:[A-Za-z]:)?[\\/]\S*[\\/]?\S*")


@contextmanager
def qt_messages_logged() -> Iterator[None]:
    """Log what Qt has to say, on any thread, meanwhile, without the names in it.

    What it says again and again is logged the 1st, 10th, 100th ... time.
    """
    said: Counter[tuple[QtMsgType, str]] = Counter()

    def handle(kind: QtMsgType, context: QMessageLogContext, text: str | None) -> None:
        words = _NAMES.sub("…", text or "")[:_MOST_LETTERS]
        if len(said) >= _MOST_MESSAGES and (kind, words) not in said:
            words = "and more"
        said[kind, words] += 1
        times = said[kind, words]
        if times == 10 ** (len(str(times)) - 1):
            again = f" ({times} times)" if times > 1 else ""
            category = getattr(context, "category", None) or "default"
            _log.log(_LEVELS.get(kind, logging.WARNING), "Qt, %s: %s%s", category, words, again)

    before = qInstallMessageHandler(handle)
    try:
        yield
    finally:
        qInstallMessageHandler(before)
