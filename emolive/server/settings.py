"""What a server is started with, checked once."""

from __future__ import annotations

import importlib.util
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from emolive.alerts.webhook_settings import is_loopback
from emolive.errors import EmoliveError
from emolive.extras import way_to_get
from emolive.i18n import tr
from emolive.inference.decision import DecisionConfig
from emolive.monitoring import BaselineChoice
from emolive.server.tokens import SHORTEST_PUBLIC

_SITE = re.compile(r"(?:https?|wss?)://(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?(?:/\S*)?")
_NEEDED = ("fastapi", "uvicorn", "websockets", "http_message_signatures", "fastapi_swagger")


class Keeping(StrEnum):
    """What of a call stays after it."""

    NOTHING = "off"
    TIMELINE = "timeline"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """`emolive serve`, as it was asked for.

    `token`: of the command line, in memory only. `origins`: besides the server's own, from which
    pages may open WebSockets. `public_url`: how the telephone system reaches the server, where that
    is not as it looks from here. `max_calls` None: as many as the machine carries; `measured`
    False: `max_calls` alone says how many. `max_per_address` None: see `per_address`. `baseline`:
    how answers are adapted to their tap (None: not at all). `history`: the address of the central
    history, in which this server is called `name` ("": it only searches there; workers have their
    cluster's name in theirs). `cluster`: what the cluster is called whose front this is.
    `recordings`: the address to which they are moved (None: the library keeps them). `tokens_in`:
    the folder with the tokens, where that is not the library. `only_consented`: keep only the calls
    whose parties agreed. `audiohook_secrets`: by API key. `audiohook_organizations`: the ids of
    those whose calls Genesys may bring, in small letters (none: anybody's). `pace`: clients may
    send so many times as fast as people speak.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: str | None = field(default=None, repr=False)
    library: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    audiosocket_port: int | None = None
    origins: tuple[str, ...] = ()
    public_url: str | None = None
    model: Path | None = None
    provider: str = "auto"
    hop_s: float = 0.5
    decision: DecisionConfig = field(default_factory=DecisionConfig)
    baseline: BaselineChoice | None = None
    history: str | None = field(default=None, repr=False)
    recordings: str | None = None
    name: str = ""
    cluster: str = ""
    tokens_in: Path | None = None
    rules: Path | None = None
    policy: Path | None = None
    keeping: Keeping = Keeping.NOTHING
    only_consented: bool = False
    max_calls: int | None = None
    measured: bool = True
    max_connections: int = 1_000
    max_per_address: int | None = None
    stall_s: float = 20.0
    drain_s: float = 0.0
    shown_after_s: float = 600.0
    pace: float = 1.0
    twilio_auth_token: str | None = field(default=None, repr=False)
    audiohook_secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    audiohook_organizations: frozenset[str] = frozenset()

    @property
    def local(self) -> bool:
        """Whether only this computer can reach it."""
        return is_loopback(self.host)

    @property
    def per_address(self) -> int:
        """Connections from one address: half of all, so that nobody shuts out the others.

        On this computer alone all come from one.
        """
        if self.max_per_address is not None:
            return min(self.max_per_address, self.max_connections)
        return self.max_connections if self.local else max(1, self.max_connections // 2)

    def check_token(self) -> None:
        """See whether the token is one that nobody guesses, where others could try.

        Raises:
            EmoliveError: it is none.
        """
        if self.token is None:
            return
        if not self.token or not self.token.isascii() or not self.token.isprintable():
            raise EmoliveError("A token is made of letters, digits and signs.")
        if not self.local and len(self.token) < SHORTEST_PUBLIC:
            raise EmoliveError(
                "Other computers can try tokens, so one needs {shortest} letters at "
                "least: use `emolive serve token add NAME`.",
                shortest=SHORTEST_PUBLIC,
            )

    def check_sites(self) -> None:
        """See whether the addresses of sites are some: with others nothing would ever match.

        Raises:
            EmoliveError: one is none.
        """
        sites = [("--public-url", self.public_url), *(("--origin", one) for one in self.origins)]
        for option, address in sites:
            if address is not None and not _SITE.fullmatch(address):
                raise EmoliveError(
                    "{option} takes an address such as https://calls.example.com, not {address}.",
                    option=option,
                    address=repr(address),
                )

    def tls(self) -> ssl.SSLContext | None:
        """The certificate, loaded; None: there is none, and none is needed.

        Raises:
            EmoliveError: one is needed, or cannot be used.
        """
        if self.certificate is None and self.private_key is None:
            if not self.local:
                raise EmoliveError(
                    "{host} can be reached from other computers, and calls would be "
                    "sent there in the open: give --tls-certificate FILE and "
                    "--tls-key FILE, or listen at 127.0.0.1.",
                    host=self.host,
                )
            return None
        if self.certificate is None or self.private_key is None:
            raise EmoliveError("A certificate needs its key: give --tls-certificate and --tls-key.")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.private_key, password=_no_password)
        except (OSError, ValueError) as error:
            raise EmoliveError(
                tr(
                    "The certificate {certificate} and the key {private_key} cannot be "
                    "used ({reason}): give PEM files that belong together.",
                    certificate=self.certificate,
                    private_key=self.private_key,
                    reason=error.strerror or error,
                )
                if isinstance(error, OSError)
                else tr(
                    "The key {private_key} has a password: give one without.",
                    private_key=self.private_key,
                )
            ) from error
        return context


def _no_password() -> str:
    raise ValueError("the key has a password")


def check_server() -> None:
    """Make sure that the libraries of a server are there.

    Raises:
        EmoliveError: they are not.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise EmoliveError("A server needs an extra: {way}.", way=way_to_get("server"))
