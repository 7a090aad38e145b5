"""Notifications through a real message bus, to a desktop that this test plays."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from emolive.alerts.desktop import DesktopNotifier, SystemDesktop
from emolive.types import Alert, Role, Severity

ALERT = Alert("Upset", "emotion", Severity.CRITICAL, "customer", Role.CUSTOMER, 0, 0, 0, "Upset: x")


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a private session bus, or a visible skip."""
    if sys.platform != "linux" or shutil.which("dbus-daemon") is None:
        pytest.skip("no dbus-daemon")
    process = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    yield address
    process.terminate()
    process.communicate(timeout=240)


class PlayedDesktop:
    """Owns the name of the notification service and notes what it is asked to show."""

    def __init__(self, address: str) -> None:
        self.shown: list[tuple[str, str, str, int]] = []
        self._address = address
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._done = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> PlayedDesktop:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(60)
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        from dbus_fast import Message, MessageType
        from dbus_fast.aio.message_bus import MessageBus
        from dbus_fast.introspection import Node

        name = "org.freedesktop.Notifications"
        bus = await MessageBus(bus_address=self._address).connect()
        introspection = Node.parse(
            f'<node><interface name="{name}"><method name="Notify">'
            '<arg type="s" direction="in"/><arg type="u" direction="in"/>'
            '<arg type="s" direction="in"/><arg type="s" direction="in"/>'
            '<arg type="s" direction="in"/><arg type="as" direction="in"/>'
            '<arg type="a{sv}" direction="in"/><arg type="i" direction="in"/>'
            '<arg type="u" direction="out"/></method>'
            '<method name="GetCapabilities"><arg type="as" direction="out"/></method>'
            '<method name="GetServerInformation"><arg type="s" direction="out"/>'
            '<arg type="s" direction="out"/><arg type="s" direction="out"/>'
            '<arg type="s" direction="out"/></method>'
            "</interface></node>"
        ).tostring()

        def answer(message: Message) -> Message | bool:
            if message.message_type is not MessageType.METHOD_CALL:
                return False
            if message.member == "Introspect":
                return Message.new_method_return(message, "s", [introspection])
            if message.member == "GetCapabilities":
                return Message.new_method_return(message, "as", [["body"]])
            if message.member == "GetServerInformation":
                return Message.new_method_return(message, "ssss", ["played", "x", "1", "1.2"])
            if message.member == "Notify":
                app, _, _, title, text, _, hints, _ = message.body
                self.shown.append((app, title, text, hints["urgency"].value))
                return Message.new_method_return(message, "u", [len(self.shown)])
            return False

        bus.add_message_handler(answer)
        await bus.request_name(name)
        self._ready.set()
        await self._done.wait()
        bus.disconnect()
        await bus.wait_for_disconnect()


def test_a_real_desktop_shows_it(bus: str) -> None:
    with PlayedDesktop(bus) as desktop:
        notifier = DesktopNotifier(SystemDesktop)
        notifier.start()
        notifier.show(ALERT)
        notifier.show(ALERT)
        notifier.close(60)
        assert notifier.problem is None
        assert desktop.shown == [("emolive", "Upset", "x", 2)] * 2


@pytest.mark.usefixtures("bus")
def test_a_bus_without_a_desktop_is_noted_and_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    notifier = DesktopNotifier(SystemDesktop)
    notifier.start()
    notifier.show(ALERT)
    notifier.close(60)
    assert notifier.shown == 0
    assert "org.freedesktop.Notifications" in (notifier.problem or "")
    assert capfd.readouterr().err == ""


def test_no_bus_at_all_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems have no bus")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    notifier = DesktopNotifier(SystemDesktop)
    notifier.start()
    notifier.show(ALERT)
    notifier.close(60)
    assert notifier.shown == 0
    assert notifier.problem
