"""What a server is called where many write into one history: no two are called alike."""

from __future__ import annotations

import platform
import re
import secrets
from pathlib import Path

from filelock import FileLock, Timeout

from emolive.errors import EmoliveError
from emolive.private_files import make_private_folder

NAME_FILE = "server-name"
_NAME = re.compile(r"[\w.-]{1,60}")
_LOCK_WITHIN_S = 10.0


def server_name(library: Path) -> str:
    """The name of the server, or the cluster, whose library is in this folder.

    Made once, of the computer's name and chance, and kept in the library: it stays when the
    computer is called otherwise, and whoever likes another writes that into the file.

    Raises:
        EmoliveError: the file cannot be used.
    """
    path = library / NAME_FILE
    try:
        make_private_folder(library, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=_LOCK_WITHIN_S):
            if not path.exists():
                host = re.sub(r"[^\w.-]+", "-", platform.node())[:40] or "server"
                path.write_text(f"{host}-{secrets.token_hex(3)}\n", encoding="utf-8")
            name = path.read_text(encoding="utf-8").strip()
    except (OSError, Timeout, UnicodeDecodeError) as error:
        raise EmoliveError(
            "The server's name in {path} cannot be read or written: allow it, or "
            "choose another folder with --library DIR.",
            path=path,
        ) from error
    if _NAME.fullmatch(name) is None:
        raise EmoliveError(
            "{path} holds no name: write one of up to 60 letters, digits, dots, - "
            "and _ into it, or delete it.",
            path=path,
        )
    return name


def worker_name(worker: str, cluster: str) -> str:
    """What a worker of a cluster is called beside those of others."""
    return f"{worker}@{cluster}" if cluster else worker


def worker_of(server: str) -> str:
    """What a server is called within its own cluster, where it is a worker of one."""
    return server.partition("@")[0]
