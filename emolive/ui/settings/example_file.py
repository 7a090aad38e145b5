"""A button that writes an example to begin with, wherever a person wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from emolive.errors import EmoliveError
from emolive.i18n import tr


class ExampleButton(QPushButton):
    """Asks for a place (`title`, and the file's usual `name`), and calls back with it."""

    def __init__(
        self, title: str, name: str, chosen: Callable[[Path], None], parent: QWidget
    ) -> None:
        super().__init__(tr("Write an example…"), parent)
        self._title = title
        self._name = name
        self._chosen = chosen
        self.clicked.connect(self._ask)

    def _ask(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, self._title, self._name, "TOML (*.toml)")
        if chosen:
            self._chosen(Path(chosen))


def write_example(path: Path, text: str) -> None:
    """Write it.

    Raises:
        EmoliveError: it cannot be written.
    """
    with written_to(path):
        path.write_text(text, encoding="utf-8")


@contextmanager
def written_to(path: Path) -> Iterator[None]:
    """Says of a place that a person chose why it cannot be written.

    Raises:
        EmoliveError: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise EmoliveError(
            "{path} cannot be written ({reason}): choose another place.",
            path=path,
            reason=error.strerror or error,
        ) from error
