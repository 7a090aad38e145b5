"""Signatures as the vendors make them: their own library, and their documentation's example."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time

import pytest
from twilio.request_validator import RequestValidator

from emolive.server.signatures import AudioHookSignatures, is_from_twilio, twilio_signature

# https://www.twilio.com/docs/usage/security: the example's token, address and fields.
TWILIO_TOKEN = "12345"
TWILIO_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
TWILIO_FIELDS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}


STREAM_URL = "wss://example.com/v1/taps/twilio"


class Form(dict[str, list[str]]):
    """A form as frameworks have it, whose fields may come several times."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


@pytest.mark.parametrize("fields", [{}, TWILIO_FIELDS])
@pytest.mark.parametrize("url", [TWILIO_URL, STREAM_URL])
def test_twilios_own_library_signs_the_same(url: str, fields: dict[str, str]) -> None:
    theirs = RequestValidator(TWILIO_TOKEN).compute_signature(url, fields)
    given, headers = fields.items(), {"x-twilio-signature": theirs}
    assert twilio_signature(TWILIO_TOKEN, url, given) == theirs
    assert is_from_twilio(TWILIO_TOKEN, url, headers, given)
    assert not is_from_twilio("another", url, headers, given)
    assert not is_from_twilio(TWILIO_TOKEN, url + "x", headers, given)
    assert not is_from_twilio(TWILIO_TOKEN, url, {"x-twilio-signature": "\xe9"}, given)
    assert not is_from_twilio(TWILIO_TOKEN, url, {}, given)


@pytest.mark.parametrize(
    ("given", "signed_as"),
    [
        (STREAM_URL, STREAM_URL + "/"),
        (STREAM_URL, "wss://example.com:443/v1/taps/twilio"),
        ("wss://example.com:8443/x", "wss://example.com/x"),
        ("https://example.com:8443/x?y=1", "https://example.com/x?y=1"),
        ("https://example.com/x", "https://example.com:443/x"),
    ],
)
def test_an_address_as_twilio_may_have_written_it(given: str, signed_as: str) -> None:
    validator = RequestValidator(TWILIO_TOKEN)
    headers = {"x-twilio-signature": validator.compute_signature(signed_as, {})}
    assert is_from_twilio(TWILIO_TOKEN, given, headers)
    assert not is_from_twilio(TWILIO_TOKEN, given.replace("example", "another"), headers)
    assert not is_from_twilio(TWILIO_TOKEN, "https://x:not-a-port/", headers)


def test_fields_that_come_twice_and_shared_keys() -> None:
    form = Form(Digits=["2", "1", "2"], From=["+1"])
    pairs = [(name, value) for name in form for value in form[name]]
    validator = RequestValidator(TWILIO_TOKEN)
    headers = {"x-twilio-signature": validator.compute_signature(TWILIO_URL, form)}
    assert is_from_twilio(TWILIO_TOKEN, TWILIO_URL, headers, pairs)
    for algorithm, known in [("HMAC_SHA256", True), ("HMAC_SHA512", False)]:
        settings = f"key=webhooks_sharedkey_1,algorithm={algorithm}"
        theirs = validator.compute_signature(TWILIO_URL, form, "HMAC_SHA256")
        headers = {
            "x-twilio-signature": theirs,
            "x-twilio-webhooks-signature-settings": settings,
        }
        assert is_from_twilio(TWILIO_TOKEN, TWILIO_URL, headers, pairs) is known


KEY = "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh"
SECRET = base64.b64decode("TXlTdXBlclNlY3JldEtleVRlbGxOby0xITJAMyM0JDU=")
URL = "wss://audiohook.example.com/api/v1/voicebiometrics/ws"
COMPONENTS = (
    '("@request-target" "@authority" "audiohook-organization-id" "audiohook-session-id" '
    '"audiohook-correlation-id" "x-api-key")'
)


def signed_for(path: str) -> dict[str, str]:
    """Headers of a request for another path, without the host."""
    headers = signed(path=path, nonce=secrets.token_urlsafe(18))
    return {name: value for name, value in headers.items() if name != "host"}


def signed(
    *,
    created: int | None = None,
    nonce: str = "VGhpc0lzQVVuaXF1ZU5vbmNl",
    secret: bytes = SECRET,
    path: str = "/api/v1/voicebiometrics/ws",
) -> dict[str, str]:
    """A request's headers, signed line by line as the documentation does it."""
    created = int(time.time()) if created is None else created
    headers = {
        "host": "audiohook.example.com",
        "audiohook-organization-id": "d7934305-0972-4844-938e-9060eef73d05",
        "audiohook-session-id": "30b0e395-84d3-4570-ac13-9a62d8f514c0",
        "audiohook-correlation-id": "e160e428-53e2-487c-977d-96989bf5c99d",
        "x-api-key": KEY,
    }
    parameters = (
        f'{COMPONENTS};keyid="{KEY}";nonce="{nonce}";alg="hmac-sha256";created={created};'
        f"expires={created + 10}"
    )
    base = "\n".join(
        [
            f'"@request-target": {path}',
            '"@authority": audiohook.example.com',
            *(f'"{name}": {headers[name]}' for name in list(headers)[1:]),
            f'"@signature-params": {parameters}',
        ]
    )
    digest = base64.b64encode(hmac.new(secret, base.encode(), hashlib.sha256).digest()).decode()
    return headers | {"signature-input": f"sig1={parameters}", "signature": f"sig1=:{digest}:"}


def test_audiohook_signs_as_the_documentation_shows() -> None:
    # The documentation's example is of 2022; its digest shows that the test signs as it does.
    assert "NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=" in _example()["signature"]
    signatures = AudioHookSignatures({KEY: SECRET})
    assert signatures.problem(URL, signed()) is None
    assert "used before" in (signatures.problem(URL, signed()) or "")
    assert signatures.problem(URL, signed(nonce="QW5vdGhlclVuaXF1ZU5vbmNl")) is None


def _example() -> dict[str, str]:
    headers = signed(created=1641013200)
    given = headers["signature-input"].replace("expires=1641013210", "expires=3282026430")
    base = "\n".join(
        [
            '"@request-target": /api/v1/voicebiometrics/ws',
            '"@authority": audiohook.example.com',
            *(f'"{name}": {headers[name]}' for name in list(headers)[1:5]),
            f'"@signature-params": {given.removeprefix("sig1=")}',
        ]
    )
    digest = hmac.new(SECRET, base.encode(), hashlib.sha256).digest()
    return headers | {"signature": f"sig1=:{base64.b64encode(digest).decode()}:"}


@pytest.mark.parametrize(
    "broken",
    [
        signed(created=1641013200),
        signed(secret=b"another"),
        signed(nonce="short"),
        {**signed(), "x-api-key": "another"},
        {**signed(), "audiohook-session-id": "another"},
        {**signed(), "signature": ""},
        {**signed(), "signature-input": "sig1=("},
        {**signed(), "signature-input": 'sig1=("x-api-key");created=1;keyid="x"'},
        {name: value for name, value in signed().items() if not name.startswith("signature")},
    ],
)
def test_audiohook_requests_that_are_not_trusted(broken: dict[str, str]) -> None:
    assert AudioHookSignatures({KEY: SECRET}).problem(URL, broken)
    assert AudioHookSignatures({KEY: SECRET}).problem(URL + "x", signed())
