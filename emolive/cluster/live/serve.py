"""`emolive serve --cluster`: the front, and its workers."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

from emolive.cluster.live.fleet import Fleet, FleetSettings
from emolive.cluster.live.host import ClusterHost
from emolive.cluster.ray_runtime import LOCAL, ray_cluster
from emolive.errors import EmoliveError
from emolive.server.serving import EmoliveServer
from emolive.server.settings import ServerSettings
from emolive.session.database import library_folder

# Calls go on with the workers that are there for so long after the cluster's head has died.
_HEADLESS_S = 7 * 24 * 3_600


def serve_on_cluster(
    address: str, settings: ServerSettings, wish: FleetSettings, tell: Callable[[str], None]
) -> None:
    """Serve until a signal comes; SIGHUP restarts all workers one after the other.

    Raises:
        EmoliveError: something cannot be used, or the cluster is lost.
    """
    if settings.token is None:
        raise EmoliveError(
            "Workers ask for the token that the front has: give --token, or set EMOLIVE_TOKEN."
        )
    library = library_folder(settings.library).absolute()
    wish = replace(wish, detached=address != LOCAL)
    with ray_cluster(address, headless_s=_HEADLESS_S) as ray:
        fleet = Fleet(ray, settings, library, wish, tell)
        front = replace(settings, name="", cluster=settings.name, audiosocket_port=None)
        server = EmoliveServer(front, tell, lambda *_: ClusterHost(fleet))
        fleet.when_lost = server.stop

        def restart(*_: object) -> None:
            threading.Thread(target=fleet.restart, name="emolive restart", daemon=True).start()

        in_main = threading.current_thread() is threading.main_thread()
        before = signal.signal(signal.SIGHUP, restart) if in_main else None
        try:
            server.run()
        finally:
            if in_main:
                signal.signal(signal.SIGHUP, before)
    if fleet.problem:
        raise EmoliveError(fleet.problem)


def serve_for_bench(settings: ServerSettings, parent: Connection, workers: int) -> None:
    """Serve on a local cluster of so many workers until SIGTERM, and tell `parent` the address."""

    def tell(sentence: str) -> None:
        if (found := re.search("The wall is at (http[^ ]*)/,", sentence)) is not None:
            parent.send(found[1].replace("http", "ws"))

    try:
        serve_on_cluster(LOCAL, settings, FleetSettings(workers), tell)
    except EmoliveError as error:
        parent.send((str(error),))
