"""A Ray cluster, joined or started for this run alone, that tells nobody about itself.

Left to itself Ray 2.60 does more than it is asked for: it reports usage to its maker, with usage
statistics off it still reports that they are off (``ray start``), its head asks the metadata
services of three clouds where it runs, its ports are open on every network, it writes a token into
``~/.ray`` and leaves its logs in ``/tmp/ray``. A cluster that is started here does none of that.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

from emolive.errors import EmoliveError, first_line
from emolive.extras import way_to_get

LOCAL = "local"

# Beyond these, workers wait for one another rather than filling memory (bytes).
_OBJECT_STORE = 200 * 2**20
_FOLDER = "emolive-ray-"
MODELS = "emolive-model-"
# A socket's path may be about a hundred characters long, most of which Ray needs itself.
_LONGEST_TEMP = 24

# Where usage would be reported to if anything ever did: nobody listens there.
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9/",
    "RAY_enable_metrics_collection": "0",
}
# Seconds that a process of Ray lives without the head.
HEADLESS = "RAY_gcs_rpc_server_reconnect_timeout_s"
# What keeps Ray on this machine: ports on the loopback device, for who knows the run's token.
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}


def load_ray() -> ModuleType:
    """The `ray` module, with its reports off.

    Raises:
        EmoliveError: it is not installed.
    """
    check_ray()
    os.environ.update(QUIET)
    import ray

    module: ModuleType = ray
    return module


def check_ray() -> None:
    """Make sure that Ray can be loaded, without loading it.

    Raises:
        EmoliveError: it is not installed.
    """
    if importlib.util.find_spec("ray") is None:
        raise EmoliveError("A cluster needs an extra: {way}.", way=way_to_get("cluster"))


@contextmanager
def ray_cluster(
    address: str, cpus: int | None = None, *, headless_s: int | None = None
) -> Iterator[ModuleType]:
    """Ray, connected to the cluster at `address`; disconnected in the end.

    `address` is `LOCAL`, which starts one on this machine that ends with the context and leaves
    nothing, or ``HOST:PORT``, ``ray://HOST:PORT`` or ``auto``. `cpus` are a local one's (None: as
    many as there are). When the cluster's head dies, it goes on for `headless_s` (None: as long as
    Ray does).

    Raises:
        EmoliveError: Ray is not installed, or there is no cluster at `address`.
    """
    if headless_s is not None:
        # Every process of a local cluster inherits it; other nodes have it where they are started.
        os.environ[HEADLESS] = str(headless_s)
    if address != LOCAL:
        try:
            _knock(address)
            ray = load_ray()
            ray.init(address=address, log_to_driver=False, logging_level="error")
        except Exception as error:
            raise EmoliveError(
                "There is no Ray cluster at {address} that lets us in ({reason}): start one (`ray "
                "start --head`), or use --cluster local.",
                address=address,
                reason=first_line(error),
            ) from error
        try:
            yield ray
        finally:
            ray.shutdown()
        return
    # Ray reads its token once in a process, when it is loaded.
    os.environ.update(_ALONE)
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with own_folder(_FOLDER, _short_temp()) as folder:
        ray = load_ray()
        try:
            with _no_api_server():
                ray.init(
                    address=LOCAL,
                    num_cpus=cpus,
                    include_dashboard=False,
                    object_store_memory=_OBJECT_STORE,
                    log_to_driver=False,
                    logging_level="error",
                    _temp_dir=str(folder),
                )
        except Exception as error:
            raise EmoliveError(
                "Ray does not start here ({reason}): use `emolive analyze` without --cluster, or "
                "look for what keeps it in the log of `emolive --debug`.",
                reason=first_line(error),
            ) from error
        try:
            yield ray
        finally:
            ray.shutdown()


@contextmanager
def _no_api_server() -> Iterator[None]:
    """Without its dashboard Ray still starts a server that asks clouds where it runs."""
    from ray._private import services

    before = services.start_api_server

    def nothing(*_: Any, **__: Any) -> tuple[str, None]:
        return "", None

    services.start_api_server = nothing
    try:
        yield
    finally:
        services.start_api_server = before


def _short_temp() -> str:
    """Where Ray's sockets and logs are to be."""
    temp = tempfile.gettempdir()
    return "/tmp" if len(temp) > _LONGEST_TEMP and os.path.isdir("/tmp") else temp


@contextmanager
def own_folder(prefix: str, temp: str | None = None) -> Iterator[Path]:
    """A temporary folder of this process; those of processes that were killed go, too."""
    temp = temp or tempfile.gettempdir()
    for left in Path(temp).glob(f"{prefix}*"):
        pid = left.name.removeprefix(prefix).partition("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=temp))
    try:
        yield folder
    finally:
        with suppress(OSError):
            shutil.rmtree(folder, ignore_errors=True)


def _knock(address: str) -> None:
    """Where nobody listens Ray itself would wait for minutes.

    Raises:
        OSError: nobody listens there.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=5).close()
