"""A file of somebody else's making is read whole or refused in one clear line."""

import csv
import gzip
import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.lab.realdata import DataFileError, Rejected
from perf.lab.realdata.reader import Defect, Record, read, records, sift

COLUMNS = ("name", "amount")


def pair(record):
    return record.text("name"), record.integer("amount")


def name_of(row):
    return row[0]


def record(value):
    return Record(2, {"x": value})


def test_good_rows_are_kept_and_bad_ones_reported(tmp_path):
    """Each bad row is named by line, column, value and reason; the others are loaded."""
    path = tmp_path / "file.csv"
    path.write_text("name,amount\na,1\nb,many\n,3\nd,4\na,5\n", encoding="utf-8")
    loaded = read(path, COLUMNS, pair, name_of)
    assert loaded.rows == [("a", 1), ("d", 4)]
    assert loaded.rejected == (
        Rejected(3, "amount", "many", "is not a number"),
        Rejected(4, "name", "", "is empty"),
        Rejected(6, "", "a", "repeats line 2"),
    )


@pytest.mark.parametrize(
    ("line", "reason"), [("a", "has 1 fields too few"), ("a,1,2", "has 1 fields too many")]
)
def test_a_row_of_another_width_is_rejected(tmp_path, line, reason):
    """Values that may have slipped into other columns are not used."""
    path = tmp_path / "file.csv"
    path.write_text(f"name,amount\n{line}\n", encoding="utf-8")
    assert read(path, COLUMNS, pair, name_of).rejected == (
        Rejected(2, "", ",".join(line.split(",")[:2]), reason),
    )


def test_lines_are_those_an_editor_shows(tmp_path):
    """Blank lines and quoted line breaks count as the lines they are."""
    path = tmp_path / "file.csv"
    path.write_text('name,amount\n\n"a\nb",1\nc,x\n', encoding="utf-8")
    loaded = read(path, COLUMNS, pair, name_of)
    assert loaded.rows == [("a\nb", 1)]
    assert loaded.rejected[0].line == 5


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path, suffix):
    """Plain and compressed files alike may begin with a mark."""
    path = tmp_path / f"file.{suffix}"
    text = "\ufeffname,amount\na,1\n".encode()
    path.write_bytes(gzip.compress(text) if suffix.endswith("gz") else text)
    assert read(path, COLUMNS, pair, name_of).rows == [("a", 1)]


COMPRESSED = gzip.compress(("name,amount\n" + "a,1\n" * 500).encode())


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("file.csv", b"name\na\n", "column 'amount' is missing"),
        ("file.csv", b"", "the file is empty"),
        ("file.csv", b"name,amount\n\xe9,1\n", r"not UTF-8 \(byte 0xe9\)"),
        ("file.csv", b'name,amount\n"a,1\n', "not CSV: unexpected end of data"),
        ("file.csv.gz", COMPRESSED[:-12], "the compressed file is cut short"),
        (
            "file.csv.gz",
            COMPRESSED[:20] + b"!!" + COMPRESSED[22:],
            "the compressed file is damaged",
        ),
        ("file.csv.gz", b"name,amount\n", "the compressed file is damaged"),
    ],
    ids=["column", "empty", "encoding", "quote", "cut", "damaged", "plain"],
)
def test_an_unusable_file_is_one_clear_error(tmp_path, name, content, reason):
    """The error names the file and what is wrong with it, and no row is returned."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataFileError, match=reason) as caught:
        read(path, COLUMNS, pair, name_of)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "reason"), [("absent.csv", "No such file"), ("", "Is a directory")]
)
def test_a_path_that_is_no_file_is_told(tmp_path, name, reason):
    """A file that is not there and a folder are told by the system's own words."""
    with pytest.raises(DataFileError, match=reason):
        list(records(tmp_path / name, COLUMNS))


@pytest.mark.parametrize("value", ["nan", "inf", "1_000", "1,5", "0x10", "--1", "1e", "٣", "1e99"])
def test_what_is_not_a_plain_number_is_a_defect(value):
    """Python would take some of these for numbers; a data file does not mean them."""
    with pytest.raises(Defect, match="number"):
        record(value).rounded("x")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9))
def test_decimals_keep_four_places(number):
    """A number is read to the fourth decimal, whatever its notation."""
    assert record(str(number)).rounded("x") == number.quantize(Decimal("0.0001"))


@pytest.mark.parametrize("value", ["1.5", "7.00001"])
def test_a_fraction_is_no_whole_number(value):
    """1.0 is whole; a fraction, however small, is not rounded away."""
    assert record("1.0").integer("x") == 1
    with pytest.raises(Defect, match="more than 0 decimals"):
        record(value).integer("x")


def test_a_line_is_not_rounded():
    """A spread of 2.25 is not turned into one of 2.2."""
    assert record("-2.50").exact("x", 1) == Decimal("-2.5")
    with pytest.raises(Defect, match="more than 1 decimals"):
        record("2.25").exact("x", 1)


@given(st.dates(date(1900, 1, 1)))
def test_dates_are_read_in_the_layouts_of_the_files(day):
    """ISO, compact and American dates give the same day."""
    assert record(day.isoformat()).day("x") == day
    assert record(f"{day:%Y%m%d}").day("x") == day
    assert record(f"{day.month}/{day.day}/{day.year}").american_day("x") == day


@pytest.mark.parametrize("value", ["2014-02-30", "201406", "2/30/2014", "yesterday"])
def test_what_is_no_date_is_a_defect(value):
    """Days that do not exist and cut dates are refused in either layout."""
    with pytest.raises(Defect, match="not a date"):
        record(value).day("x")
    with pytest.raises(Defect, match="not a date"):
        record(value).american_day("x")


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3)))
def test_every_row_is_kept_or_reported(rows):
    """Whatever the rows hold, none disappears without a word."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    lines = [
        Record(number, dict(zip(COLUMNS, row, strict=False)), len(row) - 2)
        for number, row in enumerate(rows)
    ]
    loaded = sift(lines, pair, name_of)
    assert len(loaded.rows) + len(loaded.rejected) == len(rows)
