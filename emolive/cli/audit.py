"""`emolive audit` and `emolive policy`: what was permitted, and what is decided."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emolive.cli.options import JsonReport, LibraryOption
from emolive.cli.outcome import DONE, SOME_INPUTS_FAILED, print_json, say, tell
from emolive.errors import SessionError
from emolive.i18n import mark, moment_text, ntr, tr

if TYPE_CHECKING:
    from rich.table import Table

    from emolive.session.records import AuditEntry

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


def audit(
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that nothing was changed or removed; else 1.")
    ] = False,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="With --verify: what an earlier check printed, which the log must still hold.",
        ),
    ] = None,
    as_json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show the audit log: who permitted what, changed settings, deleted sessions, and when."""
    from emolive.cli.console import print_table
    from emolive.cli.loading import open_library

    if verify or fingerprint is not None:
        return _check(library, fingerprint, as_json=as_json)
    with open_library(library) as opened:
        entries = opened.audit_log()
    if as_json:
        print_json(entries)
    elif entries:
        print_table(_audit_table(entries))
    else:
        tell("The audit log is empty.")
    return DONE


def policy(
    file: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="Another file than the configured one."),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Print a policy file to begin with.")
    ] = False,
) -> int:
    """Show what is to be confirmed before agents' emotions are inferred, and what is decided."""
    import textwrap

    from emolive import toml_files
    from emolive.consent.permission import STATEMENT
    from emolive.consent.policy import FILE_NAME, load_policy
    from emolive.settings_folder import settings_folder

    if example:
        sys.stdout.write(toml_files.example("emolive.consent"))
        return DONE
    folder = settings_folder()
    policy = load_policy(file, folder)
    say(
        "{title} (statement, version {version})\n",
        title=tr(STATEMENT.title),
        version=STATEMENT.version,
    )
    sys.stdout.write(textwrap.fill(tr(STATEMENT.text), 88) + "\n\n")
    if policy is None:
        text = tr(
            "There is no policy at {path}: every call asks, and it is off.", path=folder / FILE_NAME
        )
    elif policy.permits:
        text = tr(
            "{path} turns it on in every call (SHA-256 {digest}).",
            path=policy.path,
            digest=policy.sha256,
        )
    elif policy.forbids:
        text = tr("{path} forbids it (SHA-256 {digest}).", path=policy.path, digest=policy.sha256)
    else:
        text = tr(
            "{path} leaves it to each call, and it is off (SHA-256 {digest}).",
            path=policy.path,
            digest=policy.sha256,
        )
    say(text)
    return DONE


def _check(folder: Path | None, noted: str | None, *, as_json: bool) -> int:
    """Check the audit log; 1 when it is not as it was written.

    Raises:
        SessionError: the library cannot be used.
    """
    from emolive.cli.loading import open_library

    noted = noted and noted.strip().lower()
    if noted and not _FINGERPRINT.fullmatch(noted):
        raise SessionError(
            "{noted} is no fingerprint: give the 64 letters that `emolive audit --verify` printed.",
            noted=repr(noted),
        )
    with open_library(folder) as library:
        found = library.check_audit_log(noted)
    if as_json:
        print_json(found)
    elif found.problem is not None:
        tell(
            "The audit log of {folder} was tampered with: {problem}.",
            folder=library.folder,
            problem=found.problem,
        )
    elif found.entries:
        say(f"{found.fingerprint}")
        tell(
            ntr("{count} entry,", "{count} entries,", found.entries)
            + " "
            + tr(
                "none changed or removed. Keep the fingerprint elsewhere: with --fingerprint a "
                "later check proves that the log still holds all of this."
            )
        )
    else:
        tell("The audit log is empty.")
    return DONE if found.problem is None else SOME_INPUTS_FAILED


def _audit_table(entries: Sequence[AuditEntry]) -> Table:
    """The audit log, oldest first."""
    from rich.text import Text

    from emolive.cli.console import columns

    table = columns(mark("when"), mark("who"), mark("what"), mark("details"))
    for entry in entries:
        details = "\n".join(f"{key}: {value}" for key, value in entry.details.items())
        table.add_row(
            moment_text(entry.at.astimezone(), seconds=True),
            Text(entry.actor),
            Text(entry.action),
            Text(details),
        )
    return table
