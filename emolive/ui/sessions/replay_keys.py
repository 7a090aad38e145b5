"""The keys of the replay page, and what they do, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent

from emolive.i18n import mark
from emolive.ui.sessions.replay_actions import ReplayActions
from emolive.ui.sessions.transport import Transport
from emolive.ui.shortcuts import Key

_K, _M = Qt.Key, Qt.KeyboardModifier
_SHIFT, _CTRL, _ALT = _M.ShiftModifier, _M.ControlModifier, _M.AltModifier
_IGNORED = ~_M.KeypadModifier

_CONTROLS_TOO = frozenset(
    (_K.Key_Space, _K.Key_Left, _K.Key_Right, _K.Key_Home, _K.Key_End, _K.Key_Delete,
     _K.Key_Backspace, _K.Key_PageUp, _K.Key_PageDown)
)  # fmt: skip
_TYPED_WITH_SHIFT = frozenset((_K.Key_Plus, _K.Key_Less, _K.Key_Greater))

_LISTEN, _SEE, _SELECT, _MARK = mark("Listen"), mark("See"), mark("Select"), mark("Mark by hand")
KEYS: tuple[Key, ...] = (
    Key("play", ("Space",), mark("Play, pause"), _LISTEN),
    Key("seek", ("Left", "Right"), mark("One second back, forward"), _LISTEN),
    Key("jump", ("Ctrl+Left", "Ctrl+Right"), mark("Previous, next segment"), _LISTEN),
    Key("ends", ("Home", "End"), mark("Start, end"), _LISTEN),
    Key("loop", ("L",), mark("Repeat the selection"), _LISTEN),
    Key("speed", ("<", ">"), mark("Slower, faster"), _LISTEN),
    Key("zoom", ("+", "-"), mark("Zoom in, out"), _SEE),
    Key("whole", ("0",), mark("The whole session"), _SEE),
    Key("zoom_to", ("Z",), mark("Zoom to the selection"), _SEE),
    Key("lanes", ("PgUp", "PgDown"), mark("Scroll the lanes"), _SEE),
    Key("why", ("W",), mark("Why this was decided so"), _SEE),
    Key("extend", ("Shift+Left", "Shift+Right"), mark("Extend the selection"), _SELECT),
    Key("borders", ("[", "]"), mark("Let selection or mark begin, end here"), _SELECT),
    Key("marks", ("P", "N"), mark("Previous, next mark"), _SELECT),
    Key("leave", ("Escape",), mark("Select nothing; then back to the list"), _SELECT),
    Key(
        "label",
        ("1", "9"),
        mark("First to ninth emotion, for the selection or segment"),
        _MARK,
        span=True,
    ),
    Key("comment", ("C",), mark("Comment"), _MARK),
    Key("move", ("Alt+Left", "Alt+Right"), mark("Move the mark; with Shift its end"), _MARK),
    Key("split", ("S",), mark("Split the mark here"), _MARK),
    Key("delete", ("Delete",), mark("Delete the mark"), _MARK),
    Key("undo", ("Ctrl+Z", "Ctrl+Shift+Z"), mark("Undo, redo"), _MARK),
)


def key_map(
    actions: ReplayActions,
    transport: Transport,
    end_s: Callable[[], float],
    leave: Callable[[], object],
    scroll: Callable[[float], object],
    why: Callable[[], object],
) -> Mapping[int, Callable[[], object]]:
    """What each key does; `end_s` tells the session's length, `leave` is what Esc does.

    `scroll` moves the lanes by that many pages, `why` explains what is heard.
    """

    def jump(backwards: bool) -> Callable[[], object]:
        return lambda: actions.jump(transport.target_label, backwards=backwards)

    plain: dict[tuple[Qt.Key, Qt.KeyboardModifier], Callable[[], object]] = {
        (_K.Key_Escape, _M.NoModifier): leave,
        (_K.Key_Space, _M.NoModifier): transport.play.emit,
        (_K.Key_Left, _M.NoModifier): lambda: actions.seek_by(-1.0),
        (_K.Key_Right, _M.NoModifier): lambda: actions.seek_by(1.0),
        (_K.Key_Left, _SHIFT): lambda: actions.extend(-0.5),
        (_K.Key_Right, _SHIFT): lambda: actions.extend(0.5),
        (_K.Key_Left, _CTRL): jump(True),
        (_K.Key_Right, _CTRL): jump(False),
        (_K.Key_Left, _ALT): lambda: actions.nudge(-1),
        (_K.Key_Right, _ALT): lambda: actions.nudge(1),
        (_K.Key_Left, _ALT | _SHIFT): lambda: actions.nudge(-1, end_only=True),
        (_K.Key_Right, _ALT | _SHIFT): lambda: actions.nudge(1, end_only=True),
        (_K.Key_Home, _M.NoModifier): lambda: actions.seek(0.0),
        (_K.Key_End, _M.NoModifier): lambda: actions.seek(end_s()),
        (_K.Key_L, _M.NoModifier): lambda: actions.set_loop(not actions.looping),
        (_K.Key_Plus, _M.NoModifier): lambda: actions.zoom(0.5),
        (_K.Key_Plus, _SHIFT): lambda: actions.zoom(0.5),
        (_K.Key_Equal, _M.NoModifier): lambda: actions.zoom(0.5),
        (_K.Key_Minus, _M.NoModifier): lambda: actions.zoom(2.0),
        (_K.Key_0, _M.NoModifier): lambda: actions.zoom(0.0),
        (_K.Key_PageUp, _M.NoModifier): lambda: scroll(-0.5),
        (_K.Key_PageDown, _M.NoModifier): lambda: scroll(0.5),
        (_K.Key_Z, _M.NoModifier): actions.zoom_to_selection,
        (_K.Key_BracketLeft, _M.NoModifier): lambda: actions.set_border(end=False),
        (_K.Key_BracketRight, _M.NoModifier): lambda: actions.set_border(end=True),
        (_K.Key_W, _M.NoModifier): why,
        (_K.Key_N, _M.NoModifier): lambda: actions.next_mark(backwards=False),
        (_K.Key_P, _M.NoModifier): lambda: actions.next_mark(backwards=True),
        (_K.Key_C, _M.NoModifier): actions.comment,
        (_K.Key_S, _M.NoModifier): actions.split,
        (_K.Key_Delete, _M.NoModifier): actions.delete,
        (_K.Key_Backspace, _M.NoModifier): actions.delete,
        (_K.Key_Z, _CTRL): transport.undo.emit,
        (_K.Key_Z, _CTRL | _SHIFT): transport.redo.emit,
        (_K.Key_Y, _CTRL): transport.redo.emit,
    }
    for modifier in (_M.NoModifier, _SHIFT):
        plain[_K.Key_Less, modifier] = lambda: transport.step_speed(-1)
        plain[_K.Key_Greater, modifier] = lambda: transport.step_speed(1)
    for i in range(9):
        plain[Qt.Key(_K.Key_1.value + i), _M.NoModifier] = partial(_label, actions, i)
    return {QKeyCombination(mods, key).toCombined(): do for (key, mods), do in plain.items()}


def shortcuts(keys: Mapping[int, Callable[[], object]]) -> list[QKeyCombination]:
    """The keys that no control needs, so that they work wherever the focus is.

    Without those that Shift only types: Qt takes ``<`` for ``Shift+<``, and the other way round.
    """
    known = [QKeyCombination.fromCombined(combined) for combined in keys]
    return [
        one
        for one in known
        if one.key() not in _CONTROLS_TOO
        and not (one.keyboardModifiers() == _SHIFT and one.key() in _TYPED_WITH_SHIFT)
    ]


def combination(event: QKeyEvent) -> int:
    """A pressed key as the map knows it; the keypad counts like the other keys."""
    return QKeyCombination(event.modifiers() & _IGNORED, Qt.Key(event.key())).toCombined()


def _label(actions: ReplayActions, index: int) -> None:
    if index < len(actions.labels):
        actions.label(actions.labels[index])
