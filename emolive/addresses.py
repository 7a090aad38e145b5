"""fsspec addresses: what they lead to, and what is wrong with them, in a sentence."""

from __future__ import annotations

from typing import Any

from emolive.errors import EmoliveError, first_line
from emolive.extras import way_to_get


def is_address(text: str) -> bool:
    """Whether this is an address (``s3://bucket/calls``) and no path of this machine."""
    return "://" in text


def opened(address: str) -> tuple[Any, str]:
    """The file system that an address or path is in, and where it is there.

    Raises:
        EmoliveError: there is no such kind of address, or it needs a package that is missing.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise EmoliveError(
            "Addresses need an extra ({error}): {way}.", error=error, way=way_to_get("cluster")
        ) from error
    try:
        system, path = url_to_fs(address)
    except ImportError as error:
        raise EmoliveError(
            "{address} cannot be opened: {reason}", address=address, reason=first_line(error)
        ) from error
    except Exception as error:
        raise EmoliveError(
            "{address} cannot be opened ({reason}): use a folder, or an address "
            "that fsspec knows, such as s3://bucket/folder.",
            address=address,
            reason=first_line(error),
        ) from error
    return system, str(path)


def reason(error: Exception) -> str:
    """What a file system's error says, in short."""
    strerror = getattr(error, "strerror", None)
    return str(strerror or first_line(error))
