"""How many connections there may be, in all and from one address."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv6Address, ip_address

from emolive.i18n import tr

# Who is refused is told so, while there are no more than so many beyond what is allowed.
_TOLD = 64


class ConnectionLimits:
    """Says why there is no room for a connection, and counts those that found none."""

    def __init__(self, most: int, per_address: int) -> None:
        """`most` connections in all, `per_address` of them from one address, at each port."""
        self.most = most
        self.per_address = per_address
        self.refused = {"all": 0, "address": 0}

    def refusal(self, address: str, there: Collection[str]) -> str | None:
        """Why the newest connection is one too many; None: it is not.

        `there`: the addresses of all connections of its port, its own among them.
        """
        if len(there) > self.most:
            self.refused["all"] += 1
            return tr(
                "The server has {most} connections, and takes no more: try again later.",
                most=self.most,
            )
        mine = network(address)
        if sum(network(one) == mine for one in there) > self.per_address:
            self.refused["address"] += 1
            return tr(
                "One address may have {per_address} connections here, and yours has "
                "them: close some, or raise --max-per-address.",
                per_address=self.per_address,
            )
        return None

    def overrun(self, connections: int) -> bool:
        """Whether there are so many that those beyond are not even told."""
        return connections > self.most + _TOLD


def network(address: str) -> str:
    """What counts as one address: of version 6 a whole /64, which one customer has."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    mapped = found.ipv4_mapped
    return found.exploded[:19] if mapped is None else str(mapped)
