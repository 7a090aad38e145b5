"""A network of its own for a command, in which every address is here and every packet is seen.

`unshare --map-root-user --net python closed_network.py REPORT COMMAND...` runs the command, and
writes one JSON list to REPORT: each packet that it or its children sent, as "protocol address port
text". Exits with the command's exit code. Linux only; needs no rights.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

_LOOPBACK = "lo"
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_RTM_NEWROUTE, _REQUEST, _ACK, _REPLACE, _CREATE = 24, 0x1, 0x4, 0x100, 0x400
_TABLE_LOCAL, _BY_BOOT, _SCOPE_HOST, _TYPE_LOCAL, _OUT_DEVICE = 255, 3, 254, 2, 4
_IPV4, _IPV6 = 0x0800, 0x86DD
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}


def missing() -> str | None:
    """Why there can be no such network here, or None."""
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        return "no network namespaces here"
    tried = subprocess.run(
        ["unshare", "--map-root-user", "--net", "true"], capture_output=True, check=False
    )
    return "network namespaces are not permitted here" if tried.returncode else None


def run(
    command: Sequence[str], env: dict[str, str], folder: Path, *, timeout: float
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a command in such a network, in `folder`; how it ended, and what it sent."""
    report = folder / "packets.json"
    inside = [sys.executable, __file__, str(report), *command]
    done = subprocess.run(
        ["unshare", "--map-root-user", "--net", *inside],
        env=env, cwd=folder, timeout=timeout, text=True, check=False,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    packets: list[str] = json.loads(report.read_text())
    report.unlink()
    return done, packets


def _open_up() -> None:
    """Start the loopback device, and make every address one of this computer's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", _LOOPBACK.encode(), _IFF_UP))
    device = struct.pack("HHI", 8, _OUT_DEVICE, socket.if_nametoindex(_LOOPBACK))
    flags = _REQUEST | _ACK | _REPLACE | _CREATE
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as routes:
        for family in (socket.AF_INET, socket.AF_INET6):
            about = (0, 0, 0, _TABLE_LOCAL, _BY_BOOT, _SCOPE_HOST, _TYPE_LOCAL, 0)
            route = struct.pack("BBBBBBBBI", family, *about) + device
            head = struct.pack("IHHII", 16 + len(route), _RTM_NEWROUTE, flags, 1, 0)
            routes.send(head + route)
            error = struct.unpack_from("i", routes.recv(4096), 16)[0]
            if error and family is socket.AF_INET:  # a kernel without IPv6 needs no route for it
                raise OSError(-error, "no route")


def _packets(watched: socket.socket) -> list[str]:
    watched.setblocking(False)
    found: dict[str, None] = {}
    while True:
        try:
            frame, (_, kind, direction, *_) = watched.recvfrom(65_536)
        except BlockingIOError:
            return list(found)
        if direction == socket.PACKET_OUTGOING and kind in (_IPV4, _IPV6):
            found[_described(frame[14:], kind)] = None


def _described(packet: bytes, kind: int) -> str:
    if kind == _IPV4:
        number, target, payload = packet[9], packet[16:20], packet[4 * (packet[0] & 15) :]
    else:
        number, target, payload = packet[6], packet[24:40], packet[40:]
    port = struct.unpack_from("!H", payload, 2)[0]
    # Names in questions to a name server are words with their lengths in between.
    words = ".".join(word.decode() for word in re.findall(rb"[\w-]{2,}", payload[8:]))
    return f"{_PROTOCOLS.get(number, number)} {ip_address(target)} {port} {words}"


def main() -> int:
    """Run the command of the command line."""
    report, *command = sys.argv[1:]
    _open_up()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as watched:
        watched.bind((_LOOPBACK, 0))
        code = subprocess.run(command, check=False).returncode
        Path(report).write_text(json.dumps(_packets(watched)))
    return code


if __name__ == "__main__":
    sys.exit(main())
