"""Row C9: every outside call goes through one place, which knows who can answer and for what."""

from __future__ import annotations

import ast
from pathlib import Path

import ava
from ava.net.gateway import Gateway
from ava.providers.alpha_vantage import AlphaVantage
from ava.providers.finnhub import Finnhub
from ava.providers.games import League
from ava.providers.odds_api import OddsApi
from perf.claim import Category, Plan, claim, exactly
from perf.claims.providers.client_faults import CHANGED, LASTING
from perf.claims.providers.outside import SPECS, Outside, keys
from perf.instruments import Count, Counted
from perf.lab.lab import Lab
from perf.lab.providers import Fault

_WAYS_OUT = frozenset({"aiohttp", "httpx", "httpx_aiohttp", "requests", "urllib3", "http.client"})
_WAYS_OUT_OF = frozenset({"urllib.request", "websockets", "yfinance"})


@claim(
    id="C9.gateway.failover",
    rows=["C9"],
    profiles=("full",),
    title="Whatever befalls a provider, the next one answers, and is named",
    source="001.11",
    target=exactly(0, "unanswered questions"),
    category=Category.RESILIENCE,
)
def failover(lab: Lab) -> Plan:
    """Break Finnhub in every lasting way, and ask for a quote from it or else Alpha Vantage."""
    simulation = lab.providers("finnhub", "alpha_vantage")

    async def count() -> Counted:
        outside = Outside(simulation, CHANGED)
        first = Finnhub(outside.client("finnhub"))
        second = AlphaVantage(outside.client("alpha_vantage"))
        gateway, rows, unanswered = outside.gateways[0], [], 0
        asks = [
            ("finnhub", lambda: first.quote("AAPL", keep=None)),
            ("alpha_vantage", lambda: second.quote("AAPL", keep=None)),
        ]
        for kind, lasting in LASTING.items():
            simulation.fault("finnhub", Fault(kind, times=None))
            answer = await gateway.first("quote AAPL", asks, deadline_s=3)
            expected = "finnhub" if lasting is None else "alpha_vantage"
            good = answer.provider == expected and answer.value.symbol == "AAPL"
            unanswered += not good
            why = [type(error).__name__ for error in answer.passed.values()]
            rows.append([kind.value, answer.provider, ", ".join(why)])
        await outside.aclose()
        table = {"columns": ["fault at Finnhub", "answered by", "passed over for"], "rows": rows}
        return Counted(unanswered, {"table": table})

    return Count(count, "unanswered questions", repeats=1)


@claim(
    id="C9.gateway.spend",
    rows=["C9"],
    title="What the gateway says is spent is what the providers charged",
    source="001.11",
    target=exactly(0, "units of difference"),
    category=Category.RESILIENCE,
)
def spend(lab: Lab) -> Plan:
    """Spend of both quotas, and compare with the simulator's own count."""
    simulation = lab.providers("alpha_vantage", "odds_api")
    simulation.set_limits("alpha_vantage")
    simulation.set_limits("odds_api")
    run = iter(range(1_000))

    async def count() -> Counted:
        simulation.reset()
        urls = {name: simulation.url(name) for name in simulation.names}
        ledger = lab.scratch / f"spend-{next(run)}"
        gateway = Gateway(keys(simulation), urls=urls, ledger=ledger, pace=1_000)
        face = AlphaVantage(gateway.client(SPECS["alpha_vantage"]))
        odds = OddsApi(gateway.client(SPECS["odds_api"]))
        for symbol in ("AAPL", "MSFT", "NVDA"):
            await face.quote(symbol, keep=None)
        await odds.odds(League.NBA, regions=("us", "uk"), keep=None)
        told = await gateway.spend()
        await gateway.aclose()
        rows = [
            [name, one.used, simulation.counts(name).credits, one.left, one.resets_at.isoformat()]
            for name, one in told.items()
        ]
        columns = ["provider", "told", "charged", "left", "more from"]
        wrong = sum(abs((one.used or 0) - simulation.counts(n).credits) for n, one in told.items())
        return Counted(wrong, {"table": {"columns": columns, "rows": rows}})

    return Count(count, "units of difference")


@claim(
    id="C9.gateway.one-way",
    rows=["C9"],
    title="No module of the platform but the gateway's own has a way to the outside",
    source="001.11",
    target=exactly(0, "ways around it"),
    category=Category.RESILIENCE,
)
def one_way(lab: Lab) -> Plan:  # noqa: ARG001 - read from the source, measured nowhere
    """Look through every module's imports for libraries that open connections to the web."""
    root = Path(ava.__file__).parent

    def count() -> Counted:
        modules = sorted(root.rglob("*.py"))
        around = [
            f"{path.relative_to(root)} imports {name}"
            for path in modules
            if path.relative_to(root).parts[0] != "net"
            for name in _imports(path)
            if _is_way_out(name)
        ]
        return Counted(len(around), {"modules": len(modules), "ways": around})

    return Count(count, "ways around it")


def _is_way_out(name: str) -> bool:
    return name.partition(".")[0] in _WAYS_OUT or name in _WAYS_OUT | _WAYS_OUT_OF


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names
