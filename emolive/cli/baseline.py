"""`emolive baseline`: what is known of sources; and what other commands say of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from emolive.archive.baselines import ArchiveBaselines, folder_of
from emolive.archive.inputs import AudioInput
from emolive.baseline import ExpectedMix, ProfileStore, SourceProfile
from emolive.cli.commands import GROUPS, group
from emolive.cli.console import Console
from emolive.cli.options import (
    BaselineOptions,
    JsonReport,
    LibraryOption,
    LiveBaseline,
    YesOption,
)
from emolive.cli.outcome import DONE, confirm, print_json, say, tell
from emolive.errors import EmoliveError
from emolive.i18n import decimal, moment_text, ntr, tr
from emolive.inference.bundled import bundled_by_fingerprint
from emolive.labels import emotion_name
from emolive.monitoring.baselines import BaselineChoice
from emolive.session.database import library_folder
from emolive.settings import SettingsStore
from emolive.wording import adapted_text, consequence_text, percent, signed

app = group(help=GROUPS["baseline"])


def expected_mix(text: str | None) -> ExpectedMix:
    """What was asked for, or what is set in the app.

    Raises:
        EmoliveError: it is no mix.
    """
    if text is not None:
        return ExpectedMix.of(text)
    return SettingsStore().load().settings.baseline.expected


def baseline_choice(options: BaselineOptions, library: Path | None) -> BaselineChoice | None:
    """How a live run is adapted: as was asked for, else as set in the app; None: not at all.

    Raises:
        EmoliveError: what was expected is no mix.
    """
    settings = SettingsStore().load().settings
    wanted, expected, group = options.baseline, options.expected_neutral, options.baseline_group
    mix = settings.baseline.expected if expected is None else ExpectedMix.of(expected)
    if wanted is LiveBaseline.OFF or (wanted is None and not settings.baseline.on):
        if (expected, group) != (None, None):
            tell("--expected-neutral and --baseline-group do nothing without --baseline library.")
        return None
    folder = library or settings.recording.library
    return BaselineChoice(mix, settings.baseline.group if group is None else group, None, folder)


def known_sentences(baselines: ArchiveBaselines, items: Iterable[AudioInput]) -> list[str]:
    """What the library knows of the folders that are analysed, and of the others."""
    said = [f"{folder}: {adapted_text(one.told)}." for folder, one in baselines.folders.items()]
    if all(not item.address and folder_of(item) in baselines.folders for item in items):
        return said
    usual = baselines.usual.told
    if usual.sessions:
        known = ntr(
            "{adapted}, from {count} session of its sources",
            "{adapted}, from {count} sessions of its sources",
            usual.sessions,
            adapted=adapted_text(usual),
        )
        return [*said, f"Library: {known}."]
    return [
        *said,
        tr(
            "Library: nothing is known of this model's answers yet, so they stay as they "
            "are. `emolive live`, or `analyze --baseline files`, gathers that."
        ),
    ]


@app.command("list")
def list_profiles(library: LibraryOption = None, as_json: JsonReport = False) -> int:
    """List the profiles of sources, the one heard last first."""
    store = _store(library)
    profiles = store.profiles()
    if as_json:
        print_json([profile.summary() for profile in profiles])
        return DONE
    if not profiles:
        say("No source is known yet: `emolive live` gathers what it hears of one.")
        return DONE
    table = Table(
        tr("id"), tr("source"), tr("sessions"), tr("counts"), tr("strength"), tr("last heard")
    )
    for profile in profiles:
        known = profile.evidence
        table.add_row(
            profile.source.id,
            profile.source.title,
            str(profile.sessions),
            tr("{minutes} min", minutes=decimal(known.minutes, 0)),
            percent(known.strength()),
            _moment(profile),
        )
    Console().print(table)
    say(
        "What counts is at most 10 min of a session, and fades. `emolive baseline show ID` "
        "shows one, `forget ID` deletes it."
    )
    return DONE


@app.command()
def show(
    profile_id: Annotated[
        str, typer.Argument(metavar="ID", help="A profile's id, or how it begins; see `list`.")
    ],
    library: LibraryOption = None,
    as_json: JsonReport = False,
) -> int:
    """Show one: what the model says on average there, and what is made of it."""
    profile = _store(library).find(profile_id)
    expected = expected_mix(None)
    vector = profile.evidence.vector(expected, profile.source.labels)
    summary = profile.summary()
    if as_json:
        shown = dict(zip(profile.source.labels, vector.round(4).tolist(), strict=True))
        told = {"expected_neutral": expected.neutral, "vector": shown}
        print_json({**summary, **told})
        return DONE
    say(_about(profile))
    table = Table("", tr("mean answer"), tr("expected"), tr("added to the log-probability"))
    mix = expected.shares(profile.source.labels)
    for label, share, moved in zip(profile.source.labels, mix, vector, strict=True):
        mean = summary["mean"][label]
        table.add_row(emotion_name(label), percent(mean), percent(share), signed(moved, 2))
    Console().print(table)
    model = bundled_by_fingerprint(profile.source.model)
    if model is not None and model.measured is not None:
        say(consequence_text(model.name, *model.measured.consequence(expected)))
    return DONE


@app.command()
def forget(
    profile_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="A profile's id, or how it begins.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All profiles.")] = False,
    yes: YesOption = False,
    library: LibraryOption = None,
    as_json: JsonReport = False,
) -> int:
    """Delete a profile, or all: the source is new again. It asks first, without --yes."""
    if (profile_id is not None) == everything:
        raise EmoliveError("Say which profile to forget by its ID, or --all; not both.")
    store = _store(library)
    if profile_id is None:
        question = tr("Forget what is known of all sources?")
    else:
        question = tr(
            "Forget what is known of {source}?", source=store.find(profile_id).source.title
        )
    confirm(question, yes=yes)
    count = store.forget(profile_id)
    if as_json:
        say(json.dumps({"forgotten": count}))
    else:
        say(ntr("{count} profile is forgotten.", "{count} profiles are forgotten.", count))
    return DONE


def _about(profile: SourceProfile) -> str:
    known = profile.evidence
    return tr(
        "{title}: {sessions} sessions, {heard_minutes} min of speech heard, of which "
        "{minutes} count; {percent} of what they say is used. Model {model}, last "
        "heard {moment}.",
        title=profile.source.title,
        sessions=profile.sessions,
        heard_minutes=decimal(profile.heard_minutes, 1),
        minutes=decimal(known.minutes, 1),
        percent=percent(known.strength()),
        model=profile.source.model,
        moment=_moment(profile),
    )


def _moment(profile: SourceProfile) -> str:
    return moment_text(profile.updated_at.astimezone())


def _store(library: Path | None) -> ProfileStore:
    return ProfileStore(library_folder(library))
