"""Where alerts are sent to, and with which secret."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_serializer, model_validator

from emolive.errors import EmoliveError

SECRET_PREFIX = "whsec_"
_SHORTEST_SECRET = 16


class Webhook(BaseModel):
    """A server that gets alerts as signed JSON.

    Exactly one of `secret`, `secret_env` (name of an environment variable) and `secret_file` says
    what the signature is made with: ``whsec_`` and base64, or a text of at least 16 characters.
    `timeout_s` limits each step of a request, `ca_file` holds certificates to trust instead of the
    system's. Plain ``http`` reaches this computer only, unless `allow_http` is set: alerts tell
    about people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1, max_length=80)
    url: str = Field(min_length=1, max_length=2_000)
    secret: SecretStr | None = None
    secret_env: str | None = Field(default=None, min_length=1)
    secret_file: Path | None = None
    timeout_s: float = Field(default=5.0, ge=0.1, le=60)
    ca_file: Path | None = None
    allow_http: bool = False

    @model_validator(mode="after")
    def _safe(self) -> Self:
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise ValueError(f"url is not an address: {error}") from error
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError("url must be an http or https address")
        if any(c.isspace() or not c.isprintable() or not c.isascii() for c in self.url):
            raise ValueError("url must be written without spaces and in ASCII")
        if parts.username is not None or parts.password is not None:
            raise ValueError("url must not hold a password: the signature tells who sends")
        if parts.scheme == "http" and not is_loopback(host) and not self.allow_http:
            raise ValueError(
                "url must be https, because alerts tell about people: change it, or set allow_http"
            )
        if sum(s is not None for s in (self.secret, self.secret_env, self.secret_file)) != 1:
            raise ValueError("set exactly one of secret, secret_env and secret_file")
        if self.secret is not None:
            decoded_secret(self.secret.get_secret_value())
        return self

    @field_serializer("secret", when_used="json")
    def _told_to_files(self, secret: SecretStr | None) -> str | None:
        # Dumps in JSON mode are what `save_rules` writes; a repr never shows it.
        return None if secret is None else secret.get_secret_value()

    def key(self) -> bytes:
        """The secret as bytes, looked up now.

        Raises:
            EmoliveError: the variable or the file is not there, or holds no secret.
        """
        if self.secret is not None:
            text, where = self.secret.get_secret_value(), "its key secret"
        elif self.secret_env is not None:
            text, where = os.environ.get(self.secret_env, ""), f"the variable {self.secret_env}"
        else:
            assert self.secret_file is not None
            where = str(self.secret_file)
            try:
                text = self.secret_file.expanduser().read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise EmoliveError(
                    f"The secret of webhook {self.name!r} cannot be read from {where} ({error}): "
                    "put it there, as one line."
                ) from error
        try:
            return decoded_secret(text.strip())
        except ValueError as error:
            raise EmoliveError(
                f"Webhook {self.name!r} has no usable secret: {where} {error}."
            ) from error


def decoded_secret(text: str) -> bytes:
    """The bytes of a secret: after ``whsec_`` base64, otherwise the text itself.

    Raises:
        ValueError: it is too short, or not base64.
    """
    if text.startswith(SECRET_PREFIX):
        try:
            key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
        except binascii.Error as error:
            raise ValueError(f"must hold base64 after {SECRET_PREFIX}") from error
    else:
        key = text.encode()
    if len(key) < _SHORTEST_SECRET:
        raise ValueError(f"must hold a secret of at least {_SHORTEST_SECRET} bytes")
    return key


def is_loopback(host: str) -> bool:
    """Whether a host is this computer, without asking a name server."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
