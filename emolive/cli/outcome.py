"""How a command ends: its exit code, and one sentence instead of a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

from emolive.errors import EmoliveError

DONE = 0
SOME_INPUTS_FAILED = 1
CANNOT = 2  # usage or environment
INTERRUPTED = 130


def tell(text: str) -> None:
    """Print a line to standard error, which is for people; standard output is for results."""
    # Nobody may be listening any more; that is no reason to fail.
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def outcome(body: Callable[[], int], *, debug: bool) -> int:
    """Run a command's body and return its exit code.

    Problems become one sentence on standard error. With `debug` they are raised.
    """
    try:
        code = body()
        sys.stdout.flush()
        return code
    except BrokenPipeError as error:
        return output_ended(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        try:
            sys.stdout.flush()
        except OSError:
            return output_ended(error)
        if debug:
            raise
        tell(_unexpected(error))
    except EmoliveError as error:
        if debug:
            raise
        tell(str(error))
    except Exception as error:
        if debug:
            raise
        tell(_unexpected(error))
    return CANNOT


def output_ended(error: OSError) -> int:
    """The exit code when standard output takes no more; said, unless its reader has enough."""
    # Python flushes once more at exit: to nowhere.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):  # `head`, say
        return DONE
    tell(f"The output cannot be written ({error.strerror or error}): send it to another place.")
    return CANNOT


def _unexpected(error: Exception) -> str:
    return (
        f"emolive hit an unexpected problem ({type(error).__name__}: {error}): "
        "run it again as `emolive --debug ...` and report what it prints."
    )
