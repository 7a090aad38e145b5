"""`emolive serve`: commands and options, and nothing else; the work is in `serve_commands`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from emolive.cli.options import (
    Commands,
    ExpectedOption,
    GroupOption,
    HopOption,
    JsonReport,
    LibraryOption,
    LiveBaselineOption,
    ModelOption,
    PolicyOption,
    Provider,
    ProviderOption,
    finish,
    group,
)

app = group("serve", no_args_is_help=False, invoke_without_command=True)
token = typer.Typer(
    cls=Commands,
    help="Who may bring calls, watch, and administer.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(token, name="token")


class Scope(StrEnum):
    """What a token permits."""

    INGEST = "ingest"
    WATCH = "watch"
    ADMIN = "admin"


@app.callback()
def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65_535, help="0: any that is free.")
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
            "--audiosocket-port",
            metavar="PORT",
            min=0,
            max=65_535,
            help="Listen for Asterisk's AudioSocket here, too.",
        ),
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            "--public-url",
            metavar="URL",
            help="How telephone systems reach this server, where a proxy stands between.",
        ),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            "--origin", metavar="URL", help="Pages of this site may watch, too; repeatable."
        ),
    ] = None,
    twilio_auth_token: Annotated[
        str | None,
        typer.Option(
            "--twilio-auth-token",
            metavar="SECRET",
            envvar="EMOLIVE_TWILIO_AUTH_TOKEN",
            show_envvar=True,
            help="Take from Twilio only what it signed.",
        ),
    ] = None,
    audiohook_secret: Annotated[
        list[str] | None,
        typer.Option(
            "--audiohook-secret",
            metavar="KEY=SECRET",
            envvar="EMOLIVE_AUDIOHOOK_SECRET",
            show_envvar=True,
            help="Take from Genesys what is signed with this API key; repeatable.",
        ),
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep calls as sessions.")] = False,
    audio: Annotated[
        bool, typer.Option("--audio/--no-audio", help="With --record: keep the sound, too.")
    ] = True,
    only_consented: Annotated[
        bool,
        typer.Option("--only-consented", help="With --record: only calls that tell of consent."),
    ] = False,
    alerts: Annotated[
        Path | None,
        typer.Option("--alerts", metavar="RULES.toml", help="Watch these rules in every call."),
    ] = None,
    policy: PolicyOption = None,
    max_calls: Annotated[
        int | None,
        typer.Option(
            "--max-calls", metavar="N", min=1, help="At most; usually as many as are measured."
        ),
    ] = None,
    max_connections: Annotated[
        int, typer.Option("--max-connections", metavar="N", min=1, help="Of all kinds, at most.")
    ] = 1_000,
    stall: Annotated[
        float,
        typer.Option(
            "--stall", metavar="SECONDS", min=1.0, help="End a call from which nothing comes."
        ),
    ] = 20.0,
    drain: Annotated[
        float,
        typer.Option(
            "--drain", metavar="SECONDS", min=0.0, help="Going down, let calls go on for so long."
        ),
    ] = 0.0,
    baseline: LiveBaselineOption = None,
    expected_neutral: ExpectedOption = None,
    baseline_group: GroupOption = None,
    history: Annotated[
        str | None,
        typer.Option(
            "--history",
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
            "--recordings",
            metavar="ADDRESS",
            help="With --record and --history: move recordings there once a call has ended, to a "
            "folder or s3://BUCKET/FOLDER, or whatever fsspec knows.",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help="Run calls on this Ray cluster (HOST:PORT; local: one on this machine).",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, help="With --cluster: how many.")
    ] = 2,
    replicas: Annotated[
        str,
        typer.Option(
            "--replicas",
            metavar="N[-MOST]",
            help="With --cluster: classifiers that workers share, as many as the load wants; 0: "
            "each worker has its own.",
        ),
    ] = "0",
    model: ModelOption = None,
    provider: ProviderOption = Provider.AUTO,
    hop: HopOption = 0.5,
) -> None:
    """Monitor calls from telephone systems, and show them in browsers.

    Taps for Twilio Media Streams, Genesys Cloud AudioHook, Asterisk AudioSocket, FreeSWITCH
    mod_audio_stream, and programs of your own; the wall of calls at /, the API's page at /docs.
    Emotion is inferred for customers alone, unless a policy file permits more. Other computers can
    reach it only with a certificate and a token. Ctrl-C or SIGTERM ends it in good order.
    """

    def body() -> int:
        from emolive.cli.baseline import baseline_choice
        from emolive.cli.serve_commands import ServeOptions, run_serve

        return run_serve(
            ServeOptions(
                host=host,
                port=port,
                token=given,
                library=library,
                certificate=certificate,
                private_key=key,
                audiosocket_port=audiosocket_port,
                public_url=public_url,
                origins=tuple(origin or ()),
                twilio_auth_token=twilio_auth_token,
                audiohook_secrets=tuple(audiohook_secret or ()),
                record=record,
                audio=audio,
                only_consented=only_consented,
                rules=alerts,
                policy=policy,
                max_calls=max_calls,
                max_connections=max_connections,
                stall_s=stall,
                drain_s=drain,
                model=model,
                provider=provider.value,
                hop_s=hop,
                baseline=baseline_choice(baseline, expected_neutral, baseline_group, library),
                history=history,
                recordings=recordings,
                cluster=cluster,
                workers=workers,
                replicas=replicas,
            )
        )

    if context.invoked_subcommand is None:
        finish(context, body)


@token.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who it is for.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="ingest, watch or admin; repeatable; watch where nothing is said.",
        ),
    ] = None,
    library: LibraryOption = None,
) -> int:
    """Make a token, and print it: it is kept as a hash and never shown again."""
    from emolive.cli.serve_commands import run_add_token

    return run_add_token(library, name, [one.value for one in scope or [Scope.WATCH]])


@token.command("list")
def list_tokens(json: JsonReport = False, library: LibraryOption = None) -> int:
    """List the tokens: names and scopes, not what they are."""
    from emolive.cli.serve_commands import run_list_tokens

    return run_list_tokens(library, as_json=json)


@token.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name or id.")],
    library: LibraryOption = None,
) -> int:
    """Take a token back; a running server closes its connections within seconds."""
    from emolive.cli.serve_commands import run_revoke_token

    return run_revoke_token(library, name)
