"""Checking that a request comes from who it says: Twilio's and Genesys Cloud's signatures."""

from __future__ import annotations

import base64
import hmac
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import HMAC_SHA256
from http_message_signatures.exceptions import HTTPMessageSignaturesException

_OLDEST = timedelta(seconds=30)
_SIGNED = (
    "@request-target",
    "@authority",
    "audiohook-organization-id",
    "audiohook-session-id",
    "audiohook-correlation-id",
    "x-api-key",
)
_PORT = re.compile(r"(.*?)(:\d+)?", re.DOTALL)
_TWILIO_DIGESTS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_SHORTEST_NONCE = 22
_MOST_NONCES = 100_000


def twilio_signature(
    auth_token: str, url: str, fields: Iterable[tuple[str, str]] = (), digest: str = "sha1"
) -> str:
    """What Twilio sends as X-Twilio-Signature for a request to `url` (with these form fields).

    https://www.twilio.com/docs/usage/security#validating-requests
    """
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(auth_token.encode(), text.encode(), digest)).decode()


def is_from_twilio(
    auth_token: str,
    url: str,
    headers: Mapping[str, str],
    fields: Iterable[tuple[str, str]] = (),
) -> bool:
    """Whether Twilio signed this request with its account's auth token, or a shared key's secret.

    A slash more at the end of a stream's address is Twilio's way, as is an address with its port or
    without. In constant time.
    """
    signature = headers.get("x-twilio-signature", "")
    digest = _twilio_digest(headers.get("x-twilio-webhooks-signature-settings", ""))
    fields = tuple(fields)
    parts = urlsplit(url)
    host, port = _PORT.fullmatch(parts.netloc).groups()  # type: ignore[union-attr]
    port = port or (":443" if parts.scheme in ("https", "wss") else ":80")
    addresses = [parts._replace(netloc=one).geturl() for one in (host, host + port)]
    return digest is not None and any(
        hmac.compare_digest(
            twilio_signature(auth_token, one, fields, digest).encode(), signature.encode()
        )
        for address in addresses
        for one in (address, address + "/")
    )


def _twilio_digest(settings: str) -> str | None:
    """How it was signed, as ``key=...,algorithm=HMAC_SHA256`` says; None: in no known way."""
    given = (one.partition("=") for one in settings.split(","))
    named = {name.strip(): value.strip().upper() for name, _, value in given}
    return _TWILIO_DIGESTS.get(named.get("algorithm") or "HMAC_SHA1")


@dataclass(frozen=True, slots=True)
class _Request:
    """A request as the library takes it."""

    method: str
    url: str
    headers: Mapping[str, str]


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key_id: str, secret: bytes) -> None:
        self._key_id, self._secret = key_id, secret

    def resolve_public_key(self, key_id: str) -> bytes:
        if key_id != self._key_id:
            raise HTTPMessageSignaturesException("another key")
        return self._secret

    def resolve_private_key(self, key_id: str) -> bytes:
        return self.resolve_public_key(key_id)


class AudioHookSignatures:
    """Verifies AudioHook's HTTP message signatures (hmac-sha256), each of which counts once.

    https://developer.genesys.cloud/devapps/audiohook/security
    """

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        """`secrets`: the client secret of each API key."""
        self._secrets = dict(secrets)
        self._seen: OrderedDict[str, None] = OrderedDict()

    def knows(self, api_key: str) -> bool:
        """Whether requests with this API key are to be signed."""
        return api_key in self._secrets

    def problem(self, url: str, headers: Mapping[str, str]) -> str | None:
        """Why a request is not to be trusted; None: it is."""
        api_key = headers.get("x-api-key", "")
        secret = self._secrets.get(api_key)
        if secret is None:
            return "The API key is not known."
        verifier = HTTPMessageVerifier(
            signature_algorithm=HMAC_SHA256, key_resolver=_OneKey(api_key, secret)
        )
        try:
            results = verifier.verify(
                _Request("GET", url, headers), max_age=_OLDEST, require_components=_SIGNED
            )
        except (HTTPMessageSignaturesException, ValueError, KeyError):
            return "The request has no valid signature of now that covers all it has to."
        nonce = results[0].nonce or "" if results else ""
        if len(nonce) < _SHORTEST_NONCE or nonce in self._seen:
            return "The signature's nonce is too short, or was used before."
        self._seen[nonce] = None
        while len(self._seen) > _MOST_NONCES:
            self._seen.popitem(last=False)
        return None
