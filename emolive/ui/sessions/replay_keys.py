"""The keys of the replay page, and what they do, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent

from emolive.i18n import mark, tr
from emolive.ui.sessions.replay_actions import ReplayActions
from emolive.ui.sessions.transport import Transport

_K, _M = Qt.Key, Qt.KeyboardModifier
_SHIFT, _CTRL, _ALT = _M.ShiftModifier, _M.ControlModifier, _M.AltModifier
_IGNORED = ~_M.KeypadModifier


@dataclass(frozen=True, slots=True)
class KeyHelp:
    """One line of the sheet of keys."""

    group: str
    keys: str
    text: str


KEYS: tuple[KeyHelp, ...] = (
    KeyHelp(mark("Listen"), "Space", mark("play, pause")),
    KeyHelp(mark("Listen"), "← →", mark("one second back, forward")),
    KeyHelp(mark("Listen"), "Ctrl+← →", mark("previous, next segment")),
    KeyHelp(mark("Listen"), "Home  End", mark("start, end")),
    KeyHelp(mark("Listen"), "L", mark("repeat the selection")),
    KeyHelp(mark("Listen"), "<  >", mark("slower, faster")),
    KeyHelp(mark("See"), "+  −", mark("zoom in, out")),
    KeyHelp(mark("See"), "0", mark("the whole session")),
    KeyHelp(mark("See"), "Z", mark("zoom to the selection")),
    KeyHelp(mark("Select"), "Shift+← →", mark("extend the selection")),
    KeyHelp(mark("Select"), "[  ]", mark("let the selection or mark begin, end here")),
    KeyHelp(mark("Select"), "P  N", mark("previous, next mark")),
    KeyHelp(mark("Select"), "Esc", mark("select nothing; then back to the list")),
    KeyHelp(mark("Mark"), "1 – 9", mark("label the selection, or the segment here")),
    KeyHelp(mark("Mark"), "C", mark("comment")),
    KeyHelp(mark("Mark"), "Alt+← →", mark("move the mark; with Shift its end")),
    KeyHelp(mark("Mark"), "S", mark("split the mark here")),
    KeyHelp(mark("Mark"), "Delete", mark("delete the mark")),
    KeyHelp(mark("Mark"), "Ctrl+Z  Ctrl+Shift+Z", mark("undo, redo")),
)


def key_map(
    actions: ReplayActions, transport: Transport, end_s: Callable[[], float]
) -> Mapping[int, Callable[[], object]]:
    """What each key does; `end_s` tells the session's length."""

    def jump(backwards: bool) -> Callable[[], object]:
        return lambda: actions.jump(transport.target_label, backwards=backwards)

    plain: dict[tuple[Qt.Key, Qt.KeyboardModifier], Callable[[], object]] = {
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
        (_K.Key_Z, _M.NoModifier): actions.zoom_to_selection,
        (_K.Key_BracketLeft, _M.NoModifier): lambda: actions.set_border(end=False),
        (_K.Key_BracketRight, _M.NoModifier): lambda: actions.set_border(end=True),
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


def combination(event: QKeyEvent) -> int:
    """A pressed key as the map knows it; the keypad counts like the other keys."""
    return QKeyCombination(event.modifiers() & _IGNORED, Qt.Key(event.key())).toCombined()


def keys_text() -> str:
    """All keys as rich text, in two columns."""
    groups: dict[str, list[KeyHelp]] = {}
    for key in KEYS:
        groups.setdefault(key.group, []).append(key)
    rows = []
    for group, keys in groups.items():
        rows.append(f"<tr><td colspan=2><br><b>{tr(group)}</b></td></tr>")
        rows += [
            f"<tr><td style='padding-right:18px'>{_plain(key.keys)}</td>"
            f"<td>{tr(key.text)}</td></tr>"
            for key in keys
        ]
    return f"<table cellspacing=0 cellpadding=3>{''.join(rows)}</table>"


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("  ", "&nbsp;&nbsp;")


def _label(actions: ReplayActions, index: int) -> None:
    if actions.session is not None and index < len(actions.session.info.labels):
        actions.label(actions.session.info.labels[index])
