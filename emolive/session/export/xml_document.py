"""XML results."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from emolive.session.export.atomic import replacing


def write_xml(root: ElementTree.Element, path: Path) -> None:
    """Write an indented document in UTF-8, atomically.

    Raises:
        OSError: it cannot be written.
    """
    ElementTree.indent(root)
    with replacing(path) as partial:
        ElementTree.ElementTree(root).write(partial, encoding="UTF-8", xml_declaration=True)
