"""`emolive adapt`: teaching a model, the moments to label next, and removal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from emolive.adapt import shelf
from emolive.adapt.examples import Heard, Listener
from emolive.adapt.head import check_installed
from emolive.adapt.labelled import Labelled, from_folder, from_library, from_manifest
from emolive.adapt.moments import Moment, next_moments
from emolive.adapt.teaching import Taught, teach, usual_base
from emolive.cli.agent import confirm_in_terminal
from emolive.cli.commands import GROUPS, finish, group
from emolive.cli.console import Console, progress_bar
from emolive.cli.loading import load_classifier, open_library
from emolive.cli.models import show_adapted
from emolive.cli.options import JsonReport, LibraryOption, PolicyOption, YesOption
from emolive.cli.outcome import DONE, SOME_INPUTS_FAILED, confirm, print_json, tell
from emolive.consent.permission import agent_permission
from emolive.consent.policy import load_policy
from emolive.engine.config import AgentPermission
from emolive.errors import EmoliveError
from emolive.i18n import ntr, tr
from emolive.inference.adapted_file import adapted_names, is_adapted
from emolive.inference.bundled import model_path
from emolive.labels import emotion_name
from emolive.session.export.csv_file import write_rows
from emolive.session.library import Library
from emolive.settings_folder import settings_folder
from emolive.times import table_time
from emolive.wording import percent

app = group(help=GROUPS["adapt"], no_args_is_help=False, invoke_without_command=True)
_COLUMNS = ("path", "start_s", "end_s", "label", "speaker")


@dataclass(frozen=True, slots=True)
class BaseOptions:
    """The model underneath, and whose voices it hears."""

    model: Annotated[
        Path | None,
        typer.Option(metavar="BASE", help="The model to teach: a bundled one, or an ONNX file."),
    ] = None
    infer_agent: Annotated[
        bool,
        typer.Option(
            "--infer-agent", help="Also the agents' voices of recorded calls; asks first."
        ),
    ] = False
    policy: PolicyOption = None


@dataclass(frozen=True, slots=True)
class AdaptOptions:
    """What a model is taught with; `library` None: the usual one, where nothing else is named."""

    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The new model's; use it as --model NAME."),
    ] = None
    manifest: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="CSV",
            help="Labelled recordings: path, label and, if known, start_s, end_s, speaker.",
        ),
    ] = None
    library: LibraryOption = None
    folder: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A folder with one sub-folder per label."),
    ] = None
    base: BaseOptions = field(default_factory=BaseOptions)
    yes: YesOption = False
    as_json: JsonReport = False


@app.callback()
def adapt(
    context: typer.Context,
    options: AdaptOptions,
) -> None:
    """Teach a model from what is labelled, judge it, and keep it under a name.

    Without --manifest and --folder it learns from the marks in your library of sessions. It is
    compared with the model underneath on speakers or sessions that it was not taught with.
    """
    if context.invoked_subcommand is None:
        finish(context, lambda: _adapt(options))


@app.command("next")
def next_(
    count: Annotated[
        int, typer.Option("--count", "-n", metavar="N", min=1, max=1_000, help="How many.")
    ] = 30,
    out: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Write them as a manifest whose labels you fill in."),
    ] = None,
    library: LibraryOption = None,
    *,
    base: BaseOptions,
    as_json: JsonReport = False,
) -> int:
    """List the moments of your sessions whose label would teach most.

    In the app they are played one after another, with a key for each label.
    """
    with open_library(library) as opened:
        permission = _permission(opened, tr("moments to label"), base)
        with _listener(base.model) as (_, listener), progress_bar(tr("Listening")) as progress:
            labelled: list[Heard] = []
            if (marked := from_library(opened, permission)).stretches:
                labelled, _ = listener.hear(marked, progress)
            moments = next_moments(
                opened,
                listener,
                count,
                labelled=labelled,
                permission=permission,
                progress=progress,
            )
        if out is not None:
            _write(opened, moments, out)
            tell(
                ntr(
                    "{count} moment is in {out}: fill in the column label, then run "
                    "`emolive adapt --name NAME --manifest {out}`.",
                    "{count} moments are in {out}: fill in the column label, then run "
                    "`emolive adapt --name NAME --manifest {out}`.",
                    len(moments),
                    out=out,
                )
            )
    if as_json:
        print_json([_moment(moment) for moment in moments])
    elif out is None:
        table = Table(
            *(tr("session"), tr("title"), tr("from"), tr("to")),
            *(tr("stream"), tr("taken for"), tr("doubt")),
        )
        for moment in moments:
            table.add_row(
                moment.session.id,
                Text(moment.session.title),
                table_time(moment.start_s),
                table_time(moment.end_s),
                Text(moment.stream),
                Text(emotion_name(moment.leading)),
                percent(moment.doubt),
            )
        Console().print(table)
    return DONE


@app.command()
def remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Adapted models.")],
    yes: YesOption = False,
) -> int:
    """Delete taught models for good; `emolive models` lists them. It asks first, without --yes."""
    failed = 0
    wanted = list(dict.fromkeys(names))
    if there := [name for name in wanted if name in adapted_names()]:
        confirm(tr("Delete {names} for good?", names=", ".join(there)), yes=yes)
    for name in wanted:
        try:
            shelf.remove(name)
        except EmoliveError as error:
            failed += 1
            tell(str(error))
        else:
            tell("The model {name} is deleted.", name=name)
    return SOME_INPUTS_FAILED if failed else DONE


def _adapt(options: AdaptOptions) -> int:
    """Teach, judge, keep; 1 when some of what is labelled cannot be read."""
    if options.name is None:
        raise EmoliveError("The new model needs a name: `emolive adapt --name NAME`.")
    name = shelf.check_name(options.name)
    check_installed()
    if name in adapted_names():
        confirm(tr("Replace the model {name} that is there already?", name=name), yes=options.yes)
    labelled = _labelled(name, options)
    with (
        _listener(options.base.model) as (base, listener),
        progress_bar(tr("Listening")) as progress,
    ):
        taught = teach(name, labelled, base, listener, progress)
    if name in adapted_names():
        tell("The model {name} that was there before is replaced.", name=name)
    path = shelf.keep(taught.model)
    for sentence in (*taught.labelled.left_out, *taught.labelled.problems):
        tell("Left out: {sentence}", sentence=sentence)
    if options.as_json:
        print_json(_document(taught, path))
    else:
        show_adapted(taught.model)
    return SOME_INPUTS_FAILED if taught.labelled.problems else DONE


def _labelled(name: str, options: AdaptOptions) -> Labelled:
    """Everything that is labelled; the library's marks where it is named, or nothing else is."""
    found = Labelled()
    for manifest in options.manifest or ():
        found += from_manifest(manifest)
    for folder in options.folder or ():
        found += from_folder(folder)
    if options.library is not None or not (options.manifest or options.folder):
        with open_library(options.library) as library:
            found += from_library(library, _permission(library, f"teaching {name}", options.base))
    return found


def _permission(library: Library, what: str, options: BaseOptions) -> AgentPermission | None:
    policy = load_policy(options.policy, settings_folder())
    permission = agent_permission(
        library, what, policy, wanted=options.infer_agent, confirm=confirm_in_terminal
    )
    if permission is not None:
        tell("The agents' voices are taken, too: {granted_by}.", granted_by=permission.granted_by)
    elif options.infer_agent:
        tell("Not confirmed: the agents' voices are left out.")
    return permission


@contextmanager
def _listener(choice: Path | None) -> Iterator[tuple[Path, Listener]]:
    """The base that is meant, loaded."""
    base = usual_base() if choice is None else choice
    if is_adapted(model_path(base)):
        raise EmoliveError(
            "{base} was adapted itself: teach the model underneath, with all labels together.",
            base=base,
        )
    classifier = load_classifier(base, "auto")
    try:
        # A file is named so that it is found from any folder.
        file = model_path(base)
        yield (base if file != base else file.absolute()), Listener(classifier)
    finally:
        classifier.close()


def _document(taught: Taught, path: Path) -> dict[str, object]:
    model = taught.model
    judged = model.judgement.model_dump()
    return {
        "name": model.name,
        "file": str(path),
        "base": model.base.model_dump(),
        "labels": model.labels,
        "taught": model.taught,
        "better": model.better,
        **judged,
        "left_out": taught.labelled.left_out,
        "problems": taught.labelled.problems,
    }


def _moment(moment: Moment) -> dict[str, object]:
    return {
        "session": moment.session.id,
        "title": moment.session.title,
        "stream": moment.stream,
        "start_s": moment.start_s,
        "end_s": moment.end_s,
        "leading": moment.leading,
        "doubt": round(moment.doubt, 6),
    }


def _write(library: Library, moments: Sequence[Moment], out: Path) -> None:
    rows = [
        {
            "path": str(library.audio_path(moment.session.id, moment.stream)),
            "start_s": f"{moment.start_s:.3f}",
            "end_s": f"{moment.end_s:.3f}",
            "label": "",
            "speaker": f"{moment.session.id}/{moment.stream}",
        }
        for moment in moments
    ]
    try:
        write_rows(out, _COLUMNS, rows)
    except OSError as error:
        raise EmoliveError(
            "{out} cannot be written ({reason}): choose another file.",
            out=out,
            reason=error.strerror or error,
        ) from error
