"""How a command ends: its exit code, and one sentence instead of a traceback."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any

from emolive.errors import EmoliveError
from emolive.i18n import Said, tr
from emolive.plain_text import one_line, plain

_log = logging.getLogger(__name__)

DONE = 0
SOME_INPUTS_FAILED = 1
CANNOT = 2  # usage or environment
INTERRUPTED = 130
_ENDLESS = re.compile(r"(\S{200})\S{1000,}")


def say(text: object, /, **values: object) -> None:
    """Print a line, as `tr` takes it, to standard output, without control characters."""
    print(plain(_said(text, values)))  # noqa: T201


def tell(text: object, /, **values: object) -> None:
    """Print a line, as `tr` takes it, to standard error; standard output is for results.

    One line, whatever names are in it: a file's may hold a line feed, and look like an answer.
    """
    # Nobody may be listening any more; that is no reason to fail.
    with suppress(OSError, ValueError):
        # Nobody reads words longer than any path.
        line = _ENDLESS.sub(r"\1…", one_line(_said(text, values)))
        print(line, file=sys.stderr, flush=True)  # noqa: T201


def _said(text: object, values: dict[str, object]) -> object:
    return tr(text, **values) if isinstance(text, str) and not isinstance(text, Said) else text


def tell_lines(text: str) -> None:
    """`tell` a text that has lines of its own."""
    for line in text.split("\n"):
        tell(line)


class AlreadyToldError(EmoliveError):
    """A problem that a person was told of before."""


class _Output(io.FileIO):
    """Standard output where it is a file or a pipe; knows that it could not be written."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.failure = error
            raise


def print_json(document: object) -> None:
    """One JSON document on standard output; dataclasses are objects, moments ISO 8601."""
    json.dump(document, sys.stdout, indent=1, default=_as_json)
    sys.stdout.write("\n")


def watch_output() -> None:
    """Let `outcome` tell a full or closed standard output from other problems."""
    stream = sys.stdout
    # Python's own console writer stays; a test's stream has no descriptor.
    with suppress(OSError, ValueError, AttributeError):
        if not stream.isatty():
            raw = io.BufferedWriter(_Output(stream.fileno(), "wb", closefd=False))
            sys.stdout = io.TextIOWrapper(raw, stream.encoding, "backslashreplace")


def outcome(body: Callable[[], int], *, debug: bool) -> int:
    """Run a command's body and return its exit code.

    Problems become one sentence on standard error. With `debug` they are raised.
    """
    try:
        code = body()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, BrokenPipeError) or _output_failure() is not None:
            return output_ended(error)
        known = isinstance(error, EmoliveError)
        _log.log(logging.INFO if known else logging.ERROR, "A command failed", exc_info=True)
        if debug:
            raise
        if isinstance(error, AlreadyToldError):
            pass
        elif isinstance(error, EmoliveError):
            tell(str(error))
        elif isinstance(error, OSError) and error.filename is not None:
            tell(
                "{filename} cannot be used ({strerror}): name another, or allow it.",
                filename=error.filename,
                strerror=error.strerror,
            )
        else:
            tell(
                "emolive hit an unexpected problem ({kind}: {error}): run it again as `emolive "
                "--debug ...` and report what it prints.",
                kind=type(error).__name__,
                error=error,
            )
    return CANNOT


def output_ended(error: Exception) -> int:
    """The exit code when standard output takes no more; said, unless its reader has enough."""
    error = _output_failure() or error
    # Python flushes once more at exit: to nowhere.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):  # `head`, say
        return DONE
    reason = getattr(error, "strerror", None) or error
    tell("The output cannot be written ({reason}): send it to another place.", reason=reason)
    return CANNOT


def _as_json(value: Any) -> object:
    return value.isoformat() if isinstance(value, datetime) else asdict(value)


def _output_failure() -> OSError | None:
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, _Output) else None


def confirm(question: str, *, yes: bool) -> None:
    """Ask at the terminal; with `yes` it is answered already.

    Raises:
        EmoliveError: the answer is another one, or nobody is there to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise EmoliveError(
            "{question} Nobody can be asked here, so nothing was changed: add --yes if that "
            "is meant.",
            question=question,
        )
    tell("{question} Type y for yes:", question=question)
    if sys.stdin.readline().strip().casefold() not in {"y", "yes", tr("y"), tr("yes")}:
        raise EmoliveError("Nothing was changed.")


@contextmanager
def asked_to_end(stop: Callable[..., None]) -> Iterator[None]:
    """Ctrl-C, or a program that ends us politely, calls `stop`."""
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Interrupts:
    """Turns being asked to end into a wish; a second one is an order.

    An exception in the middle of an event would lose it.
    """

    def __init__(self) -> None:
        self.wished = False
        self._open = ExitStack()

    def __enter__(self) -> Interrupts:
        self._open.enter_context(asked_to_end(self._wish))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _wish(self, *_: object) -> None:
        if self.wished:
            raise KeyboardInterrupt
        self.wished = True
