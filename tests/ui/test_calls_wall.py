"""How the wall uses its room: few calls large, many small, the rest scrolled."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from emolive.ui.calls.grid import CallGrid
from emolive.ui.calls.tile import CARD_HEIGHT, CARD_WIDTH
from emolive.ui.theme import DARK, SPACE


@pytest.mark.parametrize("width", [924, 1844, 3764])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 12, 30, 64])
def test_the_room_of_a_screen_is_used(qtbot: QtBot, width: int, count: int) -> None:
    grid = CallGrid(DARK)
    qtbot.addWidget(grid)
    room = round(width * 0.53)
    grid.resize(width, room)
    grid.order = [str(i) for i in range(count)]
    grid._room = room
    columns, scale, height = grid._arrangement()
    rows = -(-count // columns)
    across = (width + SPACE) / columns - SPACE
    assert across >= CARD_WIDTH * scale - 1e-6, "no card is narrower than its text asks for"
    assert height >= int(CARD_HEIGHT * scale)
    used = rows * (height + SPACE) - SPACE
    if scale > 1.0:
        assert used <= room, "all calls are seen at once"
        assert columns * across + (columns - 1) * SPACE == pytest.approx(width)
        # More columns, or fewer, would make every card smaller.
        for other in range(1, count + 1):
            least = min(
                ((width + SPACE) / other - SPACE) / CARD_WIDTH,
                ((room + SPACE) / -(-count // other) - SPACE) / CARD_HEIGHT,
            )
            assert min(least, 4.0) <= scale + 1e-6
    else:
        assert used > room
    if count == 2:
        assert used > 0.6 * room or scale == 4.0
