"""Files of past prices: what is read of them, and what is left out with its reason."""

import gzip
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ava.signals.files import PriceFile, PriceFileError

UTC_ZONE = ZoneInfo("UTC")
BARS = "symbol,date,open,high,low,close,volume\n"
TICKS = "symbol,date,ms_since_midnight,price,size,exchange,condition,suspicious\n"


@pytest.fixture
def file(tmp_path):
    """Return a file of some text."""

    def make(text, name="prices.csv", zone=UTC_ZONE):
        path = tmp_path / name
        path.write_text(text)
        return PriceFile(path, zone)

    return make


def prices(file):
    """Return what a file gives: symbol, day or moment, price."""
    return [(row.symbol, row.at.strftime("%d %H:%M:%S"), row.tick.price) for row in file.rows()]


def test_bars_of_several_symbols_come_by_time(file):
    """Files keep one symbol after the other; a loop wants one moment after the other."""
    text = BARS + "A,2026-01-05,1,2,1,2,9\nA,2026-01-06,2,3,2,3,9\nB,2026-01-05,5,6,5,6,9\n"
    assert prices(file(text)) == [
        ("A", "05 00:00:00", 2.0),
        ("B", "05 00:00:00", 6.0),
        ("A", "06 00:00:00", 3.0),
    ]
    assert file(text).symbols() == ["A", "B"]


def test_times_are_those_of_the_zone(file):
    """Half past nine in New York is half past two in winter."""
    text = TICKS + "A,20260105,34200000,10,1,P,0,0\n"
    (row,) = file(text, zone=ZoneInfo("America/New_York")).rows()
    assert row.at == datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("A,2026-01-06,0,2,1,2,9", "price not above 0"),
        ("A,2026-01-06,1,2,1,-2,9", "price not above 0"),
        ("A,2026-01-06,1,1.5,1,2,9", "high or low within open and close"),
        ("A,2026-01-06,1,2,1,,9", "unreadable"),
        ("A,yesterday,1,2,1,2,9", "unreadable"),
        ("A,2026-01-06", "unreadable"),
        (",2026-01-06,1,2,1,2,9", "unreadable"),
        ("A,2026-01-05,1,2,1,2,9", "duplicate"),
        ("A,2026-01-04,1,2,1,2,9", "out of order"),
    ],
)
def test_a_row_that_cannot_be_right_is_left_out_and_counted(file, row, fault):
    """The others stay."""
    found = file(f"{BARS}A,2026-01-05,1,2,1,2,9\n{row}\nA,2026-01-07,1,2,1,2,9\n")
    assert len(prices(found)) == 2
    assert found.faults == {fault: 1}
    assert found.read == 3


def test_a_suspicious_trade_is_left_out(file):
    """The exchange's own mark says so."""
    found = file(TICKS + "A,20260105,0,10,1,P,0,1\nA,20260105,1,11,1,P,0,0\n")
    assert [price for _, _, price in prices(found)] == [11.0]
    assert found.faults == {"marked as suspicious": 1}


def test_a_side_of_a_quote_that_did_not_change_is_the_last_one(file):
    """Venues report one side at a time; a quote of which one side was never seen is none."""
    head = "symbol,date,ms_since_midnight,bid,ask\n"
    found = file(
        head + "A,20260105,0,10,0\nA,20260105,1,0,12\nA,20260105,2,11,0\nA,20260105,3,13,0\n"
    )
    assert [price for _, _, price in prices(found)] == [11.0, 11.5]
    assert found.faults == {
        "one side of a quote, and the other not known yet": 1,
        "crossed quote": 1,
    }


def test_symbols_with_one_and_the_same_series_are_left_out(file):
    """Which of them is right is not known; another symbol is kept."""
    rows = [f"{s},2026-01-{d:02},{d},{d},{d},{d},1\n" for s in "AB" for d in range(1, 26)]
    rows += [f"C,2026-01-{d:02},9,9,9,9,1\n" for d in range(1, 26)]
    found = file(BARS + "".join(rows))
    assert {symbol for symbol, _, _ in prices(found)} == {"C"}
    assert found.faults == {"same as another symbol": 50}


def test_closes_side_by_side_are_a_symbol_a_column(file):
    """A cell without a number is a day without a price."""
    found = file("Date,A,B\n2026-01-05,1,2\n2026-01-06,,3\n")
    assert found.symbols() == ["A", "B"]
    assert [row[::2] for row in prices(found)] == [("A", 1.0), ("B", 2.0), ("B", 3.0)]


def test_a_file_without_symbols_is_named_by_its_file(file):
    """An index has no column for its own name."""
    found = file("Date,Open,High,Low,Close\n1/5/2026,1,2,1,2\n", name="sp500.csv")
    assert prices(found) == [("sp500", "05 00:00:00", 2.0)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Symbol,Name,Sector\nA,b,c\n", "no column of times"),
        ("symbol,date,price_factor\nA,20260105,1\n", "no column of prices"),
        ("", "no column of times"),
    ],
)
def test_a_file_without_prices_is_refused(file, text, reason):
    """The message shows the columns there are."""
    with pytest.raises(PriceFileError, match=reason):
        list(file(text).rows())


def test_a_packed_file_is_read_and_a_torn_one_refused(tmp_path):
    """Gzip is known by its first bytes, not by its name."""
    path = tmp_path / "prices"
    whole = gzip.compress((BARS + "A,2026-01-05,1,2,1,2,9\n" * 500).encode())
    path.write_bytes(whole)
    assert len(list(PriceFile(path, UTC_ZONE).rows())) == 1
    path.write_bytes(whole[:40])
    with pytest.raises(PriceFileError, match="cannot be read"):
        list(PriceFile(path, UTC_ZONE).rows())
