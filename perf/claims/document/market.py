"""Metadata, recommendations and scans as document 000 shows them: one symbol after the other.

The document calls yfinance, of which only the requests matter here: `info` is one quoteSummary
call, a history is one call a symbol. The transport is a parameter; cookie and crumb are fetched
beforehand, which makes the document faster than it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MAX_WORKERS = 10


def get_batch_metadata(
    symbols: list[str], get_symbol_metadata: Callable[[str], dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """000.2, before: get metadata for multiple symbols."""
    result = {}
    for symbol in symbols:
        result[symbol] = get_symbol_metadata(symbol)
    return result


def get_recommendations(
    symbols: list[str],
    history: Callable[[str], list[float]],
    recommend: Callable[[str, list[float]], Any],
) -> dict[str, Any]:
    """000.12, before: fetch data one symbol at a time.

    What is made of a history the document does not show: `recommend` is the same for both ways.
    """
    return {symbol: recommend(symbol, history(symbol)) for symbol in symbols}


def scan(
    symbols: list[str],
    sectors: list[str] | None,
    scan_symbol: Callable[[str], dict[str, Any]],
) -> list[dict[str, Any]]:
    """000.5, before: everything is scanned, and the sectors are filtered from the result."""
    results = [scan_symbol(symbol) for symbol in symbols]
    if sectors:
        results = [r for r in results if r.get("sector") in sectors]
    return results


def scan_premiums(symbols: Iterable[str], scan_symbol: Callable[[str], Any]) -> dict[str, Any]:
    """000.7, before: ten workers, no retry; a symbol that fails is left out."""
    found = {}
    with ThreadPoolExecutor(max_workers=MAX_WORKERS) as executor:
        futures = {symbol: executor.submit(scan_symbol, symbol) for symbol in symbols}
        for symbol, future in futures.items():
            if future.exception() is None:
                found[symbol] = future.result()
    return found
