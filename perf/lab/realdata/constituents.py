"""Constituents of the S&P 500: symbols, names, sectors, and for 2018 prices and market values.

Sectors get the full names GICS uses since 2018; the sources write the one that was renamed then in
two more ways. A sector that GICS does not have is a defect.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from perf.lab.dataset.companies import SECTORS
from perf.lab.realdata.reader import Loaded, Record, read

_RENAMED = {
    "Telecommunication Services": "Communication Services",
    "Telecommunications Services": "Communication Services",
}
_BILLION = 10**9


@dataclass(frozen=True, slots=True)
class Constituent:
    """One company of the index; price and market value in dollars, None where not given."""

    symbol: str
    name: str
    sector: str
    price: Decimal | None = None
    market_cap: Decimal | None = None


def constituents(path: Path) -> Loaded[Constituent]:
    """Load `sp500_constituents_2018-06.csv` or `_2020-06.csv`; raise DataFileError."""
    return read(path, ("Symbol", "Name", "Sector"), _constituent, _identity)


def financials(path: Path) -> Loaded[Constituent]:
    """Load `sp500_constituents_financials_2018.csv`; raise DataFileError."""
    columns = ("Symbol", "Name", "Sector", "Price", "Market Cap")
    return read(path, columns, _with_figures, _identity)


def _constituent(record: Record) -> Constituent:
    sector = record.text("Sector")
    sector = _RENAMED.get(sector, sector)
    if sector not in SECTORS:
        raise record.refuse("Sector", "is not a GICS sector")
    return Constituent(record.text("Symbol"), record.text("Name"), sector)


def _with_figures(record: Record) -> Constituent:
    plain = _constituent(record)
    price = record.price("Price") if record.known("Price") else None
    billions = record.price("Market Cap") if record.known("Market Cap") else None
    return Constituent(
        plain.symbol,
        plain.name,
        plain.sector,
        price,
        None if billions is None else billions * _BILLION,
    )


def _identity(row: Constituent) -> str:
    return row.symbol
