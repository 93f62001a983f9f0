"""`ava trade`: the trading loop on paper, on prices of now or of the past."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import msgspec

from ava.cache.movement import Volatility
from ava.core import Core
from ava.errors import SettingsError
from ava.platform import HOME
from ava.settings import ProviderKeys, Settings
from ava.signals.broker import PaperBroker
from ava.signals.config import TradingConfig
from ava.signals.loop import TradingLoop
from ava.signals.opinion import ModelOpinions, asking
from ava.signals.predictor import Baseline
from ava.signals.prices import MarketPrices
from ava.signals.reload import ConfigFile
from ava.signals.replay import Ledger, ReplaySource
from ava.signals.source import Source
from ava.signals.store import Store
from ava.signals.store_local import LocalTrading
from ava.signals.store_postgres import PostgresTrading
from ava.signals.trading import Summary, holdings_of, trade
from ava.telemetry.signals import SignalRecorder

STORE = "trading.sqlite3"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    config: Path | None
    replay: tuple[Path, ...]
    zone: str
    store: Path | None
    iterations: int | None


@dataclass(frozen=True, slots=True)
class Parts:
    """What a loop works with."""

    source: Source
    store: Store
    volatility: Volatility
    opinions: ModelOpinions | None = None


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--config", type=_FILE, help="A TOML file; it is read again whenever it changes.")
@click.option("--replay", type=_FILE, multiple=True, help="A file of past prices, plain or gzip.")
@click.option("--zone", default="America/New_York", show_default=True, help="Of a file's times.")
@click.option("--store", type=click.Path(path_type=Path), help="The SQLite file to keep it in.")
@click.option("--iterations", type=click.IntRange(1), help="Stop after so many.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(*, as_json: bool, **asked: Any) -> None:
    """Trade on paper until Ctrl-C, or over files of past prices to their end.

    Decisions are kept in PostgreSQL where AVA_DATABASE_URL names one, else in an SQLite file
    (--store, AVA_LOCAL_STORE, or one below the state directory). A replay keeps nothing unless
    --store says so. Without a key, prices come from Yahoo.
    """
    settings, said = Settings.from_environment(os.environ), Asked(**asked)
    if said.replay and said.store is not None and said.store.exists():
        raise SettingsError(f"{said.store} exists: a replay starts from nothing, name another")
    found = asyncio.run(_run(settings, said))
    click.echo(json.dumps(found, indent=1) if as_json else _text(found))


async def _run(settings: Settings, asked: Asked) -> dict[str, Any]:
    file = None if asked.config is None else ConfigFile(asked.config)
    config = TradingConfig() if file is None else file.config
    stop = _stopping()
    async with AsyncExitStack() as stack:
        replay = ReplaySource(asked.replay, _zone(asked.zone)) if asked.replay else None
        if replay is None:
            parts = await stack.enter_async_context(_live(settings, asked, config))
            click.echo("ava: trading on paper; Ctrl-C ends it", err=True)
        else:
            config = _config_of(replay, config, given=file is not None)
            store = await stack.enter_async_context(_kept(asked.store))
            parts = Parts(replay, store, Volatility(symbols=config.most_symbols))
        loop = TradingLoop(
            config,
            parts.source,
            parts.store,
            PaperBroker(slippage=config.slippage),
            Baseline(noise=config.noise, seed=config.seed),
            volatility=parts.volatility,
            opinions=parts.opinions,
            recorder=SignalRecorder(),
        )
        paced = replay is None
        done = await trade(loop, stop=stop, file=file, most=asked.iterations, paced=paced)
        return _found(loop, done, replay, parts.store)


@asynccontextmanager
async def _live(settings: Settings, asked: Asked, config: TradingConfig) -> AsyncIterator[Parts]:
    """Open prices of now, and where decisions are kept."""
    volatility = Volatility(symbols=config.most_symbols)
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(Core.open(settings))
        source = MarketPrices(core.platform, is_volatile=volatility.is_high)
        opinions = _opinions(core, config)
        if opinions is not None:
            stack.push_async_callback(opinions.aclose)
        store: Store
        if asked.store is None and core.has_database:
            store = PostgresTrading(core.database)
        else:
            opening = LocalTrading.open(asked.store or _usual(settings))
            store = await stack.enter_async_context(opening)
        yield Parts(source, store, volatility, opinions)


def _usual(settings: Settings) -> Path:
    """Return where a machine that works alone keeps its trading."""
    if settings.local.store is not None:
        return settings.local.store
    path = (settings.state.directory or HOME) / STORE
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _opinions(core: Core, config: TradingConfig) -> ModelOpinions | None:
    """Return the model that the configuration names; None, and why, where it has no key."""
    name = config.opinion
    if not name:
        return None
    if not core.platform.gateway.offers(name):
        click.echo(f"ava: no second opinion, {ProviderKeys.key(name)} is not set", err=True)
        return None
    chat, model = getattr(core.platform, name), getattr(core.settings.models, name)
    return ModelOpinions(asking(chat, model))


@asynccontextmanager
async def _kept(path: Path | None) -> AsyncIterator[Store]:
    if path is None:
        yield Ledger()
        return
    async with LocalTrading.open(path) as store:
        yield store


def _config_of(replay: ReplaySource, config: TradingConfig, *, given: bool) -> TradingConfig:
    """Return the configuration of a replay: all symbols of its files, unless told which."""
    if given:
        return config
    symbols = tuple(replay.symbols())
    return msgspec.structs.replace(config, symbols=symbols, most_symbols=max(1, len(symbols)))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise SettingsError(f"--zone is {name!r}, which is no time zone such as UTC") from None


def _stopping() -> asyncio.Event:
    """Return an event that SIGTERM and Ctrl-C set; a second signal ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def begin(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin, number)
    return stop


def _found(
    loop: TradingLoop, done: Summary, replay: ReplaySource | None, store: Store
) -> dict[str, Any]:
    found = {**done.to_dict(), "holdings": holdings_of(loop)}
    if replay is not None:
        found |= {"rows": replay.read, "left_out": replay.faults()}
    if isinstance(store, Ledger):
        found |= {"decided": dict(sorted(store.counts.items())), "digest": store.digest}
    found["components"] = {
        str(component): {
            "median_ms": round(1e3 * spent.median_s, 4),
            "worst_ms": round(1e3 * spent.worst_s, 4),
            "share": round(spent.share, 4),
        }
        for component, spent in loop.accounts.table().items()
    }
    return found


def _text(found: dict[str, Any]) -> str:
    figures = ("iterations", "prices", "skipped", "fills", "calls")
    lines = [
        ", ".join(f"{found[name]} {name}" for name in figures),
        "signals: " + (", ".join(f"{n} {what}" for what, n in found["signals"].items()) or "none"),
    ]
    lines += [
        f"left out of {name}: " + ", ".join(f"{n} {what}" for what, n in faults.items())
        for name, faults in found.get("left_out", {}).items()
    ]
    lines += [
        f"{symbol:<10} {held['quantity']:>12} at {held['average_price']}, taken {held['realised']}"
        for symbol, held in found["holdings"].items()
    ]
    lines += [
        f"{name:<8} {spent['median_ms']:9.3f} ms median, {spent['worst_ms']:9.3f} worst,"
        f" {spent['share']:6.1%}"
        for name, spent in found["components"].items()
    ]
    return "\n".join(lines)
