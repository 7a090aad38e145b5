"""`emolive serve`: what its commands do."""

from __future__ import annotations

import base64
import binascii
import importlib.util
import json
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.table import Table

from emolive.addresses import is_address
from emolive.cli.console import Console
from emolive.cli.loading import open_library
from emolive.cli.outcome import DONE, say, tell
from emolive.errors import EmoliveError
from emolive.monitoring import BaselineChoice
from emolive.server.settings import Keeping, ServerSettings
from emolive.server.tokens import Scope, TokenFile
from emolive.session.database import library_folder

_NEEDED = ("fastapi", "uvicorn", "websockets", "http_message_signatures", "fastapi_swagger")


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What `serve` was asked for."""

    host: str
    port: int
    token: str | None
    library: Path | None
    certificate: Path | None
    private_key: Path | None
    audiosocket_port: int | None
    public_url: str | None
    origins: tuple[str, ...]
    twilio_auth_token: str | None
    audiohook_secrets: tuple[str, ...]
    record: bool
    audio: bool
    only_consented: bool
    rules: Path | None
    policy: Path | None
    max_calls: int | None
    max_connections: int
    stall_s: float
    drain_s: float
    model: Path | None
    provider: str
    hop_s: float
    baseline: BaselineChoice | None
    history: str | None = None
    recordings: str | None = None
    cluster: str | None = None
    workers: int = 2
    replicas: str = "0"


def run_serve(options: ServeOptions) -> int:
    """Serve until a signal comes.

    Raises:
        EmoliveError: something cannot be used.
    """
    check_server()
    if options.only_consented and not options.record:
        raise EmoliveError("--only-consented is about what --record keeps: give both.")
    if options.recordings is not None and not (options.record and options.history):
        raise EmoliveError(
            "--recordings is about what --record keeps, and --history finds it again: give all "
            "three."
        )
    keeping = Keeping.NOTHING
    if options.record:
        keeping = Keeping.SOUND if options.audio else Keeping.TIMELINE
        _remind_of_consent(options.library)
    settings = ServerSettings(
        host=options.host,
        port=options.port,
        token=options.token,
        library=options.library,
        certificate=options.certificate,
        private_key=options.private_key,
        audiosocket_port=options.audiosocket_port,
        origins=options.origins,
        public_url=options.public_url,
        model=options.model,
        provider=options.provider,
        hop_s=options.hop_s,
        baseline=options.baseline,
        history=options.history,
        recordings=_whole(options.recordings),
        name=platform.node() or "server",
        rules=options.rules,
        policy=options.policy,
        keeping=keeping,
        only_consented=options.only_consented,
        max_calls=options.max_calls,
        max_connections=options.max_connections,
        stall_s=options.stall_s,
        drain_s=options.drain_s,
        twilio_auth_token=options.twilio_auth_token,
        audiohook_secrets=audiohook_secrets(options.audiohook_secrets),
    )
    if options.cluster is not None:
        return _serve_on_cluster(options.cluster, settings, options)
    from emolive.server.serving import EmoliveServer

    EmoliveServer(settings, tell).run()
    return DONE


def _whole(address: str | None) -> str | None:
    """A folder as others see it: workers have another working folder."""
    if address is None or is_address(address):
        return address
    return str(Path(address).absolute())


def _serve_on_cluster(address: str, settings: ServerSettings, options: ServeOptions) -> int:
    from emolive.cluster.live.fleet import FleetSettings
    from emolive.cluster.live.serve import serve_on_cluster
    from emolive.cluster.ray_runtime import check_ray

    check_ray()
    found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", options.replicas)
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
    wish = FleetSettings(options.workers, least, most)
    serve_on_cluster(address, replace(settings, **there), wish, tell)
    return DONE


def check_server() -> None:
    """Make sure that the libraries of a server are there.

    Raises:
        EmoliveError: they are not.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise EmoliveError("A server needs the server extra: run `pip install 'emolive[server]'`.")


def audiohook_secrets(given: Sequence[str]) -> Mapping[str, bytes]:
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
                "--audiohook-secret takes KEY=SECRET, the client secret in base64 as Genesys Cloud "
                "has it."
            ) from error
        if not key or not found[key]:
            raise EmoliveError("--audiohook-secret takes KEY=SECRET, and neither may be empty.")
    return found


def run_add_token(library: Path | None, name: str, scopes: Sequence[str]) -> int:
    """Make a token and print it.

    Raises:
        EmoliveError: the name is taken, or the library cannot be written.
    """
    with open_library(library) as opened:
        made = TokenFile(opened.folder).add(name, frozenset(Scope(scope) for scope in scopes))
        opened.audit("token.added", {"name": name, "scopes": sorted(scopes)})
    tell("Keep it: it is not shown again.")
    say(made)
    return DONE


def run_list_tokens(library: Path | None, *, as_json: bool) -> int:
    """List the tokens.

    Raises:
        EmoliveError: they cannot be read.
    """
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
        say(json.dumps(rows, indent=1))
        return DONE
    if not tokens:
        tell("There is no token yet: make one with `emolive serve token add NAME`.")
        return DONE
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("id", "name", "scopes", "made"):
        table.add_column(heading)
    for one in tokens:
        scopes = ", ".join(sorted(scope.value for scope in one.scopes))
        table.add_row(one.id, one.name, scopes, f"{one.created_at.astimezone():%Y-%m-%d %H:%M}")
    Console().print(table)
    return DONE


def run_revoke_token(library: Path | None, name: str) -> int:
    """Take a token back.

    Raises:
        EmoliveError: there is none, or the library cannot be written.
    """
    with open_library(library) as opened:
        gone = TokenFile(opened.folder).revoke(name)
        opened.audit("token.revoked", {"name": gone.name, "id": gone.id})
    tell(f"The token {gone.name!r} is revoked.")
    return DONE


def _remind_of_consent(library: Path | None) -> None:
    with open_library(library) as opened:
        settings = opened.settings()
        if settings.consent_due:
            tell(settings.consent_text)
            opened.confirm_consent()
