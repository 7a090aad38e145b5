"""The keys of the calls page."""

from __future__ import annotations

from emolive.i18n import mark
from emolive.ui.shortcuts import Key

_GROUP = mark("Calls")
KEYS = (
    Key("new", ("N",), mark("Monitor a call"), _GROUP),
    Key("open", ("Return",), mark("Open the call that has the focus"), _GROUP),
    Key("neighbour", ("Left", "Right", "Up", "Down"), mark("Go from call to call"), _GROUP),
    Key("seen", ("A",), mark("Acknowledge the call's alerts"), _GROUP),
    Key("record", ("R",), mark("Start or stop recording the opened call"), _GROUP),
    Key("listen", ("L",), mark("Listen in to the opened call, or not"), _GROUP),
    Key("keep", ("K",), mark("Keep what is in memory of the opened call"), _GROUP),
    Key("shift", ("S",), mark("The shift's numbers and alerts"), _GROUP),
    Key("why", ("W",), mark("Why the moment under the pointer was decided so"), _GROUP),
    Key("step", (",", "."), mark("The decision before, the next decision"), _GROUP),
    Key("remove", ("Del",), mark("Remove the call"), _GROUP),
    Key("back", ("Esc",), mark("Back to all calls"), _GROUP),
)
