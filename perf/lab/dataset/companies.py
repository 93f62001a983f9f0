"""The listed companies of the data set, in eleven sectors: well-known names, then invented ones.

Well-known symbols are there because people type them into queries and cache keys; the rest are
invented, so that no figure of the data set can be mistaken for a fact about a real company.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_KNOWN = {
    "Information Technology": "AAPL Apple|MSFT Microsoft|NVDA Nvidia|AMD Advanced Micro Devices",
    "Consumer Discretionary": "AMZN Amazon|TSLA Tesla|HD Home Depot|NKE Nike",
    "Communication Services": "GOOG Alphabet|META Meta Platforms|NFLX Netflix|DIS Walt Disney",
    "Financials": "JPM JPMorgan Chase|BAC Bank of America|V Visa|GS Goldman Sachs",
    "Health Care": "UNH UnitedHealth|JNJ Johnson & Johnson|PFE Pfizer|LLY Eli Lilly",
    "Industrials": "BA Boeing|CAT Caterpillar|GE General Electric|UPS United Parcel Service",
    "Energy": "XOM Exxon Mobil|CVX Chevron|SLB Schlumberger|COP ConocoPhillips",
    "Consumer Staples": "WMT Walmart|KO Coca-Cola|PG Procter & Gamble|PEP PepsiCo",
    "Utilities": "NEE NextEra Energy|DUK Duke Energy|SO Southern Company|AEP American Electric",
    "Materials": "LIN Linde|FCX Freeport-McMoRan|NEM Newmont|DOW Dow",
    "Real Estate": "AMT American Tower|PLD Prologis|O Realty Income|SPG Simon Property",
}
SECTORS = tuple(_KNOWN)

_WORDS = """\
Alder Beacon Cobalt Delta Ember Fulton Garnet Harbor Ivory Juniper Keystone Lantern Meridian
Northwind Orchard Pinnacle Quarry Redwood Summit Timber Upland Vanguard Willow Zephyr
|
bridge creek field gate grove hill island lake mill point ridge river rock shore spring stone
valley view way wood
"""
_FIRST, _SECOND = (part.split() for part in _WORDS.split("|"))
_LAST = ("Corporation", "Group", "Holdings", "Industries", "Partners", "Systems")


@dataclass(frozen=True, slots=True)
class Company:
    """One listed company."""

    symbol: str
    name: str
    sector: str


def companies(random: np.random.Generator, n: int) -> list[Company]:
    """Return `n` companies, the best known first, their sectors in turn."""
    listed = _well_known()[:n]
    taken = {company.symbol for company in listed}
    for index in range(len(listed), n):
        symbol = _new_symbol(random, taken)
        taken.add(symbol)
        listed.append(Company(symbol, _name(index), SECTORS[index % len(SECTORS)]))
    return listed


def _well_known() -> list[Company]:
    by_sector = [
        [_parsed(entry, sector) for entry in entries.split("|")]
        for sector, entries in _KNOWN.items()
    ]
    return [company for rank in zip(*by_sector, strict=True) for company in rank]


def _parsed(entry: str, sector: str) -> Company:
    symbol, name = entry.split(" ", 1)
    return Company(symbol, name, sector)


def _new_symbol(random: np.random.Generator, taken: set[str]) -> str:
    while True:
        letters = random.integers(ord("A"), ord("Z") + 1, size=int(random.integers(3, 5)))
        symbol = "".join(map(chr, letters.tolist()))
        if symbol not in taken:
            return symbol


def _name(index: int) -> str:
    rest, first = divmod(index, len(_FIRST))
    last, second = divmod(rest, len(_SECOND))
    return f"{_FIRST[first]}{_SECOND[second]} {_LAST[(last + first) % len(_LAST)]}"
