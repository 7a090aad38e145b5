"""A joystick or gamepad, through SDL (pygame-ce, extra `joystick`)."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

# A resting stick is never quite at zero.
_DEAD = 0.06


class Joystick:
    """The first stick that is connected; found again when it is plugged in later.

    One thread owns it. Without the extra, or without a stick, `read` is None and `name` "".
    """

    def __init__(self) -> None:
        self._sdl: ModuleType | None = None
        self._stick: Any = None
        try:
            os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
            # The window is Qt's; without it SDL tells nothing of sticks.
            os.environ.setdefault("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")
            os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
            import pygame
        except ImportError:
            return
        pygame.display.init()
        pygame.joystick.init()
        self._sdl = pygame

    @property
    def installed(self) -> bool:
        """Whether sticks could be found at all."""
        return self._sdl is not None

    @property
    def name(self) -> str:
        """What the stick calls itself, or ""."""
        return "" if self._stick is None else str(self._stick.get_name())

    def read(self) -> tuple[float, float] | None:
        """How far right and up it is pushed, -1 to 1 each; None without a stick."""
        sdl = self._sdl
        if sdl is None:
            return None
        sdl.event.pump()
        if self._stick is not None and not self._stick.get_init():
            self._stick = None
        count = sdl.joystick.get_count()
        if count == 0:
            self._stick = None
        elif self._stick is None:
            self._stick = sdl.joystick.Joystick(0)
        if self._stick is None or self._stick.get_numaxes() < 2:
            return None
        return _alive(self._stick.get_axis(0)), _alive(-self._stick.get_axis(1))

    def close(self) -> None:
        """Let go of it."""
        if self._sdl is not None:
            self._stick = None
            self._sdl.joystick.quit()
            self._sdl.display.quit()
            self._sdl = None


def _alive(value: float) -> float:
    if abs(value) < _DEAD:
        return 0.0
    return max(-1.0, min(1.0, value))
