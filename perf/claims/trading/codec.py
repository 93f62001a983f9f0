"""Row T6: JSON by the platform's codec and by the library that document 004 names (PERF-008).

Both write the same plain values; the platform's own records, which are no dicts, are not in this.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Callable
from typing import Any

import msgspec

from perf.claim import Category, Plan, at_least, claim
from perf.instruments import Arm, Compare
from perf.lab import Unavailable
from perf.lab.lab import Lab


def _document() -> dict[str, Any]:
    """Return what the document's store serialises: positions, prices, predictions."""
    return {
        "timestamp": "2025-10-12T14:30:00.123456+00:00",
        "positions": [
            {
                "symbol": f"SYM{n}",
                "quantity": n * 10,
                "average_price": 100 + n / 7,
                "history": [100 + k / 3 for k in range(20)],
                "open": n % 2 == 0,
                "note": None,
            }
            for n in range(200)
        ],
    }


def _json(encode: Callable[[Any], bytes], name: str) -> Plan:
    given = _document()
    facts = {
        "before": "json.dumps, as text",
        "after": name,
        "bytes": len(encode(given)),
        "equal": "both texts are read back as the same value",
    }

    def same(text: str, packed: bytes) -> bool:
        return bool(json.loads(text) == json.loads(packed))

    return Compare(
        Arm(lambda: json.dumps(given)), Arm(lambda: encode(given)), same=same, facts=facts
    )


@claim(
    id="T6.json.2x",
    rows=["T6"],
    title="The platform's codec writes JSON twice as fast as the standard library",
    source="004 PERF-008",
    category=Category.RESOURCES,
    target=at_least(2, "x"),
)
@claim(
    id="T6.json.3x",
    rows=["T6"],
    title="The platform's codec writes JSON three times as fast as the standard library",
    source="004 PERF-008",
    category=Category.RESOURCES,
    target=at_least(3, "x"),
)
def json_ours(_lab: Lab) -> Plan:
    """Write the same plain values by msgspec, which the platform uses."""
    return _json(msgspec.json.encode, "msgspec.json.encode")


@claim(
    id="T6.json.orjson",
    rows=["T6"],
    title="orjson writes JSON twice as fast as the standard library",
    source="004 PERF-008",
    category=Category.RESOURCES,
    target=at_least(2, "x"),
)
def json_orjson(_lab: Lab) -> Plan:
    """Write the same values by the library the document names, where it is installed."""
    if importlib.util.find_spec("orjson") is None:
        raise Unavailable(
            "orjson is not installed; the platform uses msgspec (T6.json.2x)", "pip install orjson"
        )
    return _json(importlib.import_module("orjson").dumps, "orjson.dumps")
