"""A stick that SDL itself makes up, read through SDL."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emolive.ui.sessions.rating import Joystick

pygame = pytest.importorskip("pygame", reason="needs the extra joystick")


@pytest.fixture
def stick() -> Iterator[Joystick]:
    made = Joystick()
    yield made
    made.close()


@pytest.fixture
def plug_in() -> Callable[[], Callable[[int, float], None]]:
    """Plug a stick in; returns what moves its axes."""
    folder = Path(pygame.__file__).parent
    names = [*folder.parent.glob("pygame_ce.libs/libSDL2-2*"), *folder.glob("SDL2.dll"),
             *folder.glob(".dylibs/libSDL2-2*")]  # fmt: skip
    if not names:
        pytest.skip("SDL is not where a wheel has it")
    sdl = ctypes.CDLL(str(names[0]))
    sdl.SDL_JoystickFromInstanceID.restype = ctypes.c_void_p
    sdl.SDL_JoystickSetVirtualAxis.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int16]

    def plug() -> Callable[[int, float], None]:
        assert sdl.SDL_JoystickAttachVirtual(1, 2, 0, 0) >= 0

        def push(axis: int, value: float) -> None:
            found = sdl.SDL_JoystickFromInstanceID(pygame.joystick.Joystick(0).get_instance_id())
            assert sdl.SDL_JoystickSetVirtualAxis(found, axis, round(value * 32_767)) == 0

        return push

    return plug


def test_without_a_stick_there_is_nothing_to_read(stick: Joystick) -> None:
    assert stick.installed
    assert stick.read() is None
    assert stick.name == ""


def test_a_stick_that_is_plugged_in_is_found_and_read(
    stick: Joystick, plug_in: Callable[[], Callable[[int, float], None]]
) -> None:
    push = plug_in()
    assert stick.read() == (0.0, 0.0)
    assert stick.name
    push(0, 0.5)
    push(1, -0.75)  # away from the body, which is up
    assert stick.read() == pytest.approx((0.5, 0.75), abs=1e-3)
    push(0, 0.02)  # a resting stick is never quite at zero
    assert stick.read() == pytest.approx((0.0, 0.75), abs=1e-3)
