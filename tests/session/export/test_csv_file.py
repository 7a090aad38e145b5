from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emolive.plain_text import plain
from emolive.session.export.csv_file import PLAIN, SPREADSHEET, Dialect, inert, original, write_rows

FORMULAS = ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "＝1", " =1", "\t=1", "\r=1", "\n=1"]


@given(st.text() | st.text("=+-@;,'\t\r\n a＝"))
@example("'=1")
@example("\n\n=1")
def test_what_is_marked_is_found_again_and_runs_nowhere(text: str) -> None:
    marked = inert(text)
    assert original(marked) == text
    for cell in re.split(r"[;\t\r\n]", marked):
        assert not cell.strip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


@pytest.mark.parametrize("text", ["happy", "a = b", "it's", "3 - 2", "a,-b", "", "'quoted'", "ä"])
def test_other_text_stays(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize("dialect", [PLAIN, SPREADSHEET])
def test_no_cell_and_no_heading_begins_a_formula(tmp_path: Path, dialect: Dialect) -> None:
    path = tmp_path / "a.csv"
    formulas = [*FORMULAS, "a;=1", "a\n=1"]
    write_rows(path, formulas, [dict.fromkeys(formulas, formula) for formula in formulas], dialect)
    written = path.read_bytes().decode().removeprefix(dialect.mark)
    rows = list(csv.reader(written.splitlines(keepends=True), delimiter=dialect.delimiter))
    wanted = [plain(formula) for formula in formulas]  # a carriage return is left out
    assert [[original(cell) for cell in row] for row in rows] == [
        wanted, *([formula] * len(formulas) for formula in wanted)
    ]  # fmt: skip
    # Also for who takes the other character for what is between cells.
    for cell in re.split("[,;\n]", written):
        assert not cell.strip('" \t\r').startswith(("=", "+", "-", "@", "＝"))


def test_numbers_stay_numbers_and_have_the_dialects_decimals(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [{"a": -1.5, "b": -2, "c": None}, {"a": 1e-07}]
    write_rows(path, "abc", rows)
    assert path.read_bytes() == b"a,b,c\r\n-1.5,-2,\r\n1e-07,,\r\n"
    write_rows(path, "abc", rows, SPREADSHEET)
    assert path.read_bytes() == b"\xef\xbb\xbfa;b;c\r\n-1,5;-2;\r\n1e-07;;\r\n"
