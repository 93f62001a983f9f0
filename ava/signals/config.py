"""What is traded and by which rules: a TOML file, checked as a whole before anything uses it.

    symbols = ["AAPL", "MSFT"]
    interval_s = 5
    threshold = 0.005
    [rule]
    confidence = 0.3
    notional = "2000"

Every key has a default but none may be misspelt: an unknown one is an error that names its like.
"""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from ava.errors import SettingsError
from ava.signals.decide import Rule

# The default is what needs no key and everybody knows.
SYMBOLS = ("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "AMD", "SPY", "QQQ")
MODELS = ("xai", "perplexity")


class TradingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration of a trading loop.

    Prices come from the cache between two calls to a provider, so a short interval costs little and
    sees each new price soon. One older than `oldest_s` is taken for none. `opinion` names a model
    (xai, perplexity) that may lower confidences, where its key is set.
    """

    symbols: tuple[str, ...] = SYMBOLS
    interval_s: float = 1.0
    threshold: float = 0.005
    window: int = 64
    most_symbols: int = 2_000
    oldest_s: float = 900.0
    outcome_bars: int = 10
    outcome_flat: float = 0.001
    slippage: Decimal = Decimal("0.0002")
    noise: float = 0.0
    seed: int = 0
    opinion: str = ""
    rule: Rule = field(default_factory=Rule)

    def __post_init__(self) -> None:
        for good, what in (
            (
                0 < len(self.symbols) <= self.most_symbols,
                "symbols: one at least, within most_symbols",
            ),
            (len(set(self.symbols)) == len(self.symbols), "symbols: each once"),
            (all(self.symbols), "symbols: none of them empty"),
            (self.interval_s >= 0, "interval_s: 0 or more"),
            (0 <= self.threshold < 1, "threshold: a fraction such as 0.005"),
            (self.window >= 16, "window: 16 prices or more"),  # noqa: PLR2004 - twice what a feature needs
            (self.oldest_s > 0, "oldest_s: more than 0"),
            (self.outcome_bars >= 1, "outcome_bars: 1 or more"),
            (self.outcome_flat >= 0, "outcome_flat: 0 or more"),
            (0 <= self.slippage < 1, "slippage: a fraction such as 0.0002"),
            (self.noise >= 0, "noise: 0 or more"),
            (self.opinion in {"", *MODELS}, "opinion: xai, perplexity, or nothing for none"),
            (0 <= self.rule.confidence <= 1, "rule.confidence: between 0 and 1"),
            (self.rule.notional > 0, "rule.notional: more than 0"),
        ):
            if not good:
                raise ValueError(what)


def read_config(path: Path) -> TradingConfig:
    """Read a configuration; raise SettingsError, which says what is wrong with which key."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as TOML: {error}") from None
    return config_of(raw, str(path))


def config_of(raw: dict[str, Any], name: str) -> TradingConfig:
    """Return the configuration that plain data describe; raise SettingsError."""
    try:
        return msgspec.convert(raw, TradingConfig)
    except (msgspec.ValidationError, ValueError) as error:
        raise SettingsError(f"{name}: {error}") from None
