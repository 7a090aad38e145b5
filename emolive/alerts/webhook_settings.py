"""Where alerts are sent to, and with which secret."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_serializer, model_validator

from emolive.alerts.webhook_formats import Format
from emolive.i18n import tr

if TYPE_CHECKING:
    import ssl

SECRET_PREFIX = "whsec_"
_SHORTEST_SECRET = 16


class Webhook(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """A server that gets alerts, in the shape that `format` names.

    ``signed`` is JSON with a signature; exactly one of `secret`, `secret_env` (name of an
    environment variable) and `secret_file` says what it is made with: ``whsec_`` and base64, or a
    text of at least 16 characters. ``slack`` and ``teams`` are messages for a channel, with no
    secret but the address. `timeout_s` limits a request as a whole, `ca_file` holds certificates to
    trust instead of the system's. Plain ``http`` reaches this computer only, unless `allow_http` is
    set: alerts tell about people.
    """

    name: str = Field(min_length=1, max_length=80)
    # A chat's is a secret: no repr shows it.
    url: str = Field(min_length=1, max_length=2_000, repr=False)
    format: Format = "signed"
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
            raise ValueError(tr("url is not an address: {error}", error=error)) from error
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError(tr("url must be an http or https address"))
        if any(c.isspace() or not c.isprintable() or not c.isascii() for c in self.url):
            raise ValueError(tr("url must be written without spaces and in ASCII"))
        if parts.username is not None or parts.password is not None:
            raise ValueError(tr("url must not hold a password: the signature tells who sends"))
        if parts.scheme == "http" and not is_loopback(host) and not self.allow_http:
            raise ValueError(
                tr(
                    "url must be https, because alerts tell about people: change it, or set "
                    "allow_http"
                )
            )
        secrets = sum(s is not None for s in (self.secret, self.secret_env, self.secret_file))
        if self.is_chat and secrets:
            raise ValueError(
                tr(
                    "format {format} has no signature: leave out secret, secret_env and "
                    "secret_file",
                    format=repr(self.format),
                )
            )
        if not self.is_chat and secrets != 1:
            raise ValueError(tr("set exactly one of secret, secret_env and secret_file"))
        if self.secret is not None:
            decoded_secret(self.secret.get_secret_value())
        return self

    @field_serializer("secret", when_used="json")
    def _told_to_files(self, secret: SecretStr | None) -> str | None:
        # Dumps in JSON mode are what `save_rules` writes; a repr never shows it.
        return None if secret is None else secret.get_secret_value()

    @property
    def is_chat(self) -> bool:
        """Whether it is a chat's: whoever knows its address can write there."""
        return self.format != "signed"

    @property
    def problem(self) -> str | None:
        """Why nothing can be sent, as the rest of a sentence, looked up now; None: it can."""
        try:
            if not self.is_chat:
                self.key()
            if self.ca_file is not None:
                self.trusted()
        except ValueError as error:
            return str(error)
        return None

    def key(self) -> bytes:
        """The secret as bytes, looked up now.

        Raises:
            ValueError: the variable or the file is not there, or holds no secret.
        """
        if self.secret is not None:
            text, where = self.secret.get_secret_value(), tr("its key secret")
        elif self.secret_env is not None:
            text, where = (
                os.environ.get(self.secret_env, ""),
                tr("the variable {name}", name=self.secret_env),
            )
        else:
            assert self.secret_file is not None
            where = str(self.secret_file)
            try:
                text = self.secret_file.expanduser().read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(
                    tr(
                        "its secret cannot be read from {where} ({error}), put it there as one "
                        "line",
                        where=where,
                        error=error,
                    )
                ) from error
        try:
            return decoded_secret(text.strip())
        except ValueError as error:
            raise ValueError(
                tr("it has no usable secret, {where} {error}", where=where, error=error)
            ) from error

    def trusted(self) -> ssl.SSLContext:
        """The certificates to trust, read now.

        Raises:
            ValueError: they cannot be read.
        """
        import ssl  # what only reads rules does without

        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise ValueError(
                tr(
                    "its certificates cannot be read from {ca_file} ({error}), put them there as "
                    "PEM",
                    ca_file=self.ca_file,
                    error=error,
                )
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
            raise ValueError(tr("must hold base64 after {prefix}", prefix=SECRET_PREFIX)) from error
    else:
        key = text.encode()
    if len(key) < _SHORTEST_SECRET:
        raise ValueError(tr("must hold a secret of at least {least} bytes", least=_SHORTEST_SECRET))
    return key


def is_loopback(host: str) -> bool:
    """Whether a host is this computer, without asking a name server."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
