"""The central history of a server: written all the time, searched on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emolive.errors import EmoliveError
from emolive.extras import way_to_get

if TYPE_CHECKING:
    from emolive.central.search import CentralSearch
    from emolive.central.store import CentralStore
    from emolive.central.writer import HistoryWriter


class CentralHistory:
    """Both ends of it."""

    store: CentralStore
    writer: HistoryWriter
    search: CentralSearch

    def __init__(self, address: str) -> None:
        """Open it, which has to be there at the start.

        Raises:
            EmoliveError: it is not, or the `cluster` extra is not installed.
        """
        try:
            from emolive.central.search import CentralSearch
            from emolive.central.store import CentralStore
            from emolive.central.writer import HistoryWriter
        except ImportError as error:
            raise EmoliveError(
                "A central history needs an extra ({error}): {way}.",
                error=error,
                way=way_to_get("cluster"),
            ) from error
        store = CentralStore(address)
        store.prepare()
        self.store = store
        self.search = CentralSearch(store)
        self.writer = HistoryWriter(store)

    def close(self) -> None:
        """Write what waits."""
        self.writer.close()
