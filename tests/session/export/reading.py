"""What the tests that read exports back have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from lxml import etree

from emolive.session.timeline import Timeline

SCHEMAS = Path(__file__).parent / "schemas"


@contextmanager
def written(
    write: Callable[[Timeline, Path], None], timeline: Timeline, name: str
) -> Iterator[Path]:
    """The timeline as a file in a folder of its own: hypothesis wants a fresh one each time."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(timeline, path)
        assert not [one for one in path.parent.iterdir() if one.name.endswith(".partial")]
        yield path


def valid(path: Path, schema: str) -> etree._Element:
    """The document's root, once the schema is satisfied."""
    checker = etree.XMLSchema(etree.parse(SCHEMAS / schema))
    document = etree.parse(path)
    checker.assertValid(document)
    return document.getroot()


def sample(seconds: float | str, rate: int) -> int:
    """The sample that a time in seconds means, which must be meant exactly."""
    exact = float(seconds) * rate
    assert abs(exact - round(exact)) < 0.02
    return round(exact)
