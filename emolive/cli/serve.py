"""`emolive serve`: calls from telephone systems, and the tokens of those who may bring them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from emolive.addresses import is_address
from emolive.cli.baseline import baseline_choice
from emolive.cli.commands import GROUPS, finish, group
from emolive.cli.console import columns, print_table
from emolive.cli.loading import open_library, remind_of_consent
from emolive.cli.options import (
    BaselineOptions,
    JsonReport,
    KeepSoundOption,
    LibraryOption,
    ModelOptions,
    PolicyOption,
)
from emolive.cli.outcome import DONE, print_json, say, tell
from emolive.errors import EmoliveError
from emolive.i18n import mark, moment_text
from emolive.server.names import server_name
from emolive.server.settings import Keeping, ServerSettings, check_server
from emolive.server.tokens import Scope, TokenFile
from emolive.session.database import library_folder

app = group(help=GROUPS["serve"], no_args_is_help=False, invoke_without_command=True)
token = group(help="Who may bring calls, watch, and administer.")
app.add_typer(token, name="token")


@app.callback()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65_535, help="0: any that is free.")
    ] = 8765,
    given: Annotated[
        str | None,
        typer.Option(
            "--token",
            metavar="TOKEN",
            envvar="EMOLIVE_TOKEN",
            show_envvar=True,
            help="A token for everything, beside those of `serve token`.",
        ),
    ] = None,
    library: LibraryOption = None,
    certificate: Annotated[
        Path | None,
        typer.Option("--tls-certificate", metavar="FILE", help="PEM, with the chain."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="Its private key, PEM.")
    ] = None,
    audiosocket_port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", min=0, max=65_535, help="Listen for Asterisk's AudioSocket here, too."
        ),
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="How telephone systems reach this server, where a proxy stands between.",
        ),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Pages of this site may watch, too; repeatable."),
    ] = None,
    twilio_auth_token: Annotated[
        str | None,
        typer.Option(
            metavar="SECRET",
            envvar="EMOLIVE_TWILIO_AUTH_TOKEN",
            show_envvar=True,
            help="Take from Twilio only what it signed.",
        ),
    ] = None,
    audiohook_secret: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=SECRET",
            envvar="EMOLIVE_AUDIOHOOK_SECRET",
            show_envvar=True,
            help="Take from Genesys what is signed with this API key; repeatable.",
        ),
    ] = None,
    audiohook_organization: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Take from Genesys only this organization's calls; repeatable."
        ),
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep calls as sessions.")] = False,
    audio: KeepSoundOption = True,
    only_consented: Annotated[
        bool,
        typer.Option("--only-consented", help="With --record: only calls that tell of consent."),
    ] = False,
    alerts: Annotated[
        Path | None,
        typer.Option(metavar="RULES.toml", help="Watch these rules in every call."),
    ] = None,
    policy: PolicyOption = None,
    max_calls: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="At most; usually as many as are measured."),
    ] = None,
    max_connections: Annotated[
        int, typer.Option(metavar="N", min=1, help="Of all kinds, at most.")
    ] = 1_000,
    max_per_address: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Of these from one address; where others can reach the server half of them, "
            "unless said.",
        ),
    ] = None,
    stall: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=1.0, help="End a call from which nothing comes."),
    ] = 20.0,
    drain: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0.0, help="Going down, let calls go on for so long."),
    ] = 0.0,
    *,
    adapting: BaselineOptions,
    history: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="EMOLIVE_HISTORY",
            show_envvar=True,
            help="Write the calls of all servers into this database, too: "
            "postgresql://USER:PASSWORD@HOST/NAME or sqlite:///FILE.",
        ),
    ] = None,
    recordings: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="With --record and --history: move recordings there once a call has ended, to a "
            "folder or s3://BUCKET/FOLDER, or whatever fsspec knows.",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Run calls on this Ray cluster (HOST:PORT; local: one on this machine).",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="With --cluster: how many; usually 2."),
    ] = None,
    replicas: Annotated[
        str | None,
        typer.Option(
            metavar="N[-MOST]",
            help="With --cluster: classifiers that workers share, as many as the load wants; 0, as "
            "usual: each worker has its own.",
        ),
    ] = None,
    using: ModelOptions,
) -> None:
    """Monitor calls from telephone systems, and show them in browsers.

    Taps for Twilio Media Streams, Genesys Cloud AudioHook, Asterisk AudioSocket, FreeSWITCH
    mod_audio_stream, and programs of your own; the wall of calls at /, the API's page at /docs.
    Emotion is inferred for customers alone, unless a policy file permits more. Other computers can
    reach it only with a certificate and a token. Ctrl-C or SIGTERM ends it in good order.
    """

    def body() -> int:
        check_server()
        if only_consented and not record:
            raise EmoliveError("--only-consented is about what --record keeps: give both.")
        if cluster is None and (workers, replicas) != (None, None):
            raise EmoliveError("--workers and --replicas are about --cluster: give it, too.")
        if recordings is not None and not (record and history):
            raise EmoliveError(
                "--recordings is about what --record keeps, and --history finds it again: give "
                "all three."
            )
        keeping = Keeping.NOTHING
        if record:
            keeping = Keeping.SOUND if audio else Keeping.TIMELINE
            with open_library(library) as opened:
                remind_of_consent(opened)
        settings = ServerSettings(
            host=host,
            port=port,
            token=given,
            library=library,
            certificate=certificate,
            private_key=key,
            audiosocket_port=audiosocket_port,
            origins=tuple(origin or ()),
            public_url=public_url,
            model=using.model,
            provider=using.processor,
            hop_s=using.hop,
            decision=using.decision,
            baseline=baseline_choice(adapting, library),
            history=history,
            recordings=_whole(recordings),
            name=server_name(library_folder(library)),
            rules=alerts,
            policy=policy,
            keeping=keeping,
            only_consented=only_consented,
            max_calls=max_calls,
            max_connections=max_connections,
            max_per_address=max_per_address,
            stall_s=stall,
            drain_s=drain,
            twilio_auth_token=twilio_auth_token,
            audiohook_secrets=_audiohook_secrets(audiohook_secret or ()),
            audiohook_organizations=_organizations(audiohook_organization or ()),
        )
        if cluster is not None:
            return _serve_on_cluster(cluster, settings, workers or 2, replicas or "0")
        from emolive.server.serving import EmoliveServer

        EmoliveServer(settings, tell).run()
        return DONE

    if context.invoked_subcommand is None:
        finish(context, body)


@token.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who it is for.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option(
            metavar="SCOPE", help="ingest, watch or admin; repeatable; watch where nothing is said."
        ),
    ] = None,
    library: LibraryOption = None,
) -> int:
    """Make a token, and print it: it is kept as a hash and never shown again."""
    scopes = scope or [Scope.WATCH]
    with open_library(library) as opened:
        made = TokenFile(opened.folder).add(name, frozenset(scopes))
        opened.audit("token.added", {"name": name, "scopes": sorted(scopes)})
    tell("Keep it: it is not shown again.")
    say(made)
    return DONE


@token.command("list")
def list_tokens(as_json: JsonReport = False, library: LibraryOption = None) -> int:
    """List the tokens: names and scopes, not what they are."""
    tokens = TokenFile(library_folder(library)).tokens()
    if as_json:
        rows = [
            {
                "id": one.id,
                "name": one.name,
                "scopes": sorted(scope.value for scope in one.scopes),
                "created_at": one.created_at.isoformat(),
            }
            for one in tokens
        ]
        print_json(rows)
        return DONE
    if not tokens:
        tell("There is no token yet: make one with `emolive serve token add NAME`.")
        return DONE
    table = columns(mark("id"), mark("name"), mark("scopes"), mark("made"), box=None)
    for one in tokens:
        scopes = ", ".join(sorted(scope.value for scope in one.scopes))
        table.add_row(one.id, one.name, scopes, moment_text(one.created_at.astimezone()))
    print_table(table)
    return DONE


@token.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name or id.")],
    library: LibraryOption = None,
) -> int:
    """Take a token back; a running server closes its connections within seconds."""
    with open_library(library) as opened:
        gone = TokenFile(opened.folder).revoke(name)
        opened.audit("token.revoked", {"name": gone.name, "id": gone.id})
    tell("The token {name} is revoked.", name=repr(gone.name))
    return DONE


def _serve_on_cluster(address: str, settings: ServerSettings, workers: int, replicas: str) -> int:
    from emolive.cluster.live.fleet import FleetSettings
    from emolive.cluster.live.serve import serve_on_cluster
    from emolive.cluster.ray_runtime import check_ray

    check_ray()
    found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", replicas)
    if found is None or (most := int(found[2] or found[1])) < (least := int(found[1])):
        raise EmoliveError("--replicas takes a number, or two as in 1-4, the smaller one first.")
    if most and not least:
        raise EmoliveError("--replicas begins with 1 at least, or is 0: each worker its own.")
    # Workers have another working folder.
    files = ("certificate", "private_key", "rules", "policy", "model")
    there = {
        name: path.absolute()
        for name in files
        if (path := getattr(settings, name)) is not None and path.exists()
    }
    wish = FleetSettings(workers, least, most)
    serve_on_cluster(address, replace(settings, **there), wish, tell)
    return DONE


def _audiohook_secrets(given: Sequence[str]) -> Mapping[str, bytes]:
    """API keys and their client secrets, from ``KEY=SECRET`` with the secret in base64.

    Raises:
        EmoliveError: one is not of that form.
    """
    found = {}
    for text in given:
        key, _, secret = text.partition("=")
        try:
            found[key] = base64.b64decode(secret, validate=True)
        except binascii.Error as error:
            raise EmoliveError(
                "--audiohook-secret takes KEY=SECRET, the client secret in base64 as Genesys "
                "Cloud has it."
            ) from error
        if not key or not found[key]:
            raise EmoliveError("--audiohook-secret takes KEY=SECRET, and neither may be empty.")
    return found


def _organizations(given: Sequence[str]) -> frozenset[str]:
    """Ids of organizations of Genesys Cloud, as their requests have them.

    Raises:
        EmoliveError: one is none.
    """
    try:
        return frozenset(str(UUID(one)) for one in given)
    except ValueError as error:
        raise EmoliveError(
            "--audiohook-organization takes the organization's ID as Genesys Cloud "
            "shows it, such as d7934305-0972-4844-938e-9060eef73d05."
        ) from error


def _whole(address: str | None) -> str | None:
    """A folder as others see it: workers have another working folder."""
    if address is None or is_address(address):
        return address
    return str(Path(address).absolute())
