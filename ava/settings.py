"""Settings, read from `AVA_*` variables of an environment that is passed in.

Each section (`ava.section`) is a dataclass, and its fields are the settings. There is no second
list of keys, so an unknown one is found and refused. `AVA_PERF_*` belongs to the harness and is
left alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

from ava.errors import SettingsError
from ava.section import PREFIX, Secret, Section, at_least, more_than

FOREIGN_PREFIX = "AVA_PERF_"


@dataclass(frozen=True, slots=True)
class DatabaseSettings(Section):
    """The PostgreSQL server and the one pool of connections to it."""

    prefix: ClassVar[str] = "AVA_DATABASE_"

    url: Secret | None = None
    pool_min: int = at_least(1, 5)
    pool_max: int = at_least(1, 20)
    connect_timeout_s: float = more_than(0, 10.0)
    statement_timeout_s: float = more_than(0, 30.0)
    retries: int = at_least(1, 3)
    retry_delay_s: float = at_least(0, 1.0)
    slow_query_s: float = at_least(0, 1.0)
    # A connection used more recently than this is handed out without a ping.
    idle_check_s: float = at_least(0, 30.0)

    def __post_init__(self) -> None:
        Section.__post_init__(self)
        if self.pool_min > self.pool_max:
            raise SettingsError(
                f"{self.key('pool_min')} is {self.pool_min}, more than "
                f"{self.key('pool_max')}, which is {self.pool_max}; change one of them"
            )

    def conninfo(self) -> str:
        """Return the connection string; raise SettingsError when there is none."""
        if self.url is None:
            raise SettingsError(
                f"{self.key('url')} is not set; give a connection string such as "
                "postgresql://user@host:5432/database"
            )
        return self.url.reveal()


@dataclass(frozen=True, slots=True)
class RedisSettings(Section):
    """The Redis server that processes share; without one, caches stay in memory."""

    prefix: ClassVar[str] = "AVA_REDIS_"

    url: Secret | None = None
    connections: int = at_least(1, 32)
    timeout_s: float = more_than(0, 1.0)

    def address(self) -> str:
        """Return the URL; raise SettingsError when there is none."""
        if self.url is None:
            raise SettingsError(
                f"{self.key('url')} is not set; give an address such as redis://localhost:6379/0"
            )
        return self.url.reveal()


@dataclass(frozen=True, slots=True)
class ProviderKeys(Section):
    """The keys to the providers; one that is absent switches its provider off."""

    prefix: ClassVar[str] = "AVA_KEY_"

    alpha_vantage: Secret | None = None
    finnhub: Secret | None = None
    odds_api: Secret | None = None
    robinhood: Secret | None = None
    massive: Secret | None = None
    xai: Secret | None = None
    perplexity: Secret | None = None


@dataclass(frozen=True, slots=True)
class ModelSettings(Section):
    """Which language model is asked at each provider of them."""

    prefix: ClassVar[str] = "AVA_MODEL_"

    xai: str = "grok-4"
    perplexity: str = "sonar"


@dataclass(frozen=True, slots=True)
class StateSettings(Section):
    """Where what must outlive the process is kept on this machine: the quotas' ledger."""

    prefix: ClassVar[str] = "AVA_STATE_"

    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class LocalSettings(Section):
    """The SQLite file of a machine that works alone."""

    prefix: ClassVar[str] = "AVA_LOCAL_"

    store: Path | None = None


@dataclass(frozen=True, slots=True)
class ProviderSettings(Section):
    """Where providers are, other than at their own addresses: behind a proxy, or simulated.

    `urls` are `name=address` pairs with commas between. `pace` says that their clock runs that many
    times as fast as ours, so that their speed limits are that much higher. `massive_plan` is what
    Massive's key pays for: "free" is five calls a minute and no prices of now, "signals" five a
    second.
    """

    prefix: ClassVar[str] = "AVA_PROVIDERS_"

    urls: str = ""
    pace: float = more_than(0, 1.0)
    massive_plan: str = "free"

    def __post_init__(self) -> None:
        Section.__post_init__(self)
        if self.massive_plan not in {"free", "signals"}:
            raise SettingsError(
                f"{self.key('massive_plan')} must be free or signals, and is {self.massive_plan!r}"
            )

    def addresses(self) -> dict[str, str]:
        """Return the base URLs by provider; raise SettingsError for what is no pair."""
        pairs = [pair.strip() for pair in self.urls.split(",") if pair.strip()]
        found = dict(pair.partition("=")[::2] for pair in pairs)
        if not all(name and url.startswith(("http://", "https://")) for name, url in found.items()):
            raise SettingsError(
                f"{self.key('urls')} must be name=address pairs such as "
                "yahoo=http://127.0.0.1:9000/yahoo, with commas between"
            )
        return found


@dataclass(frozen=True, slots=True)
class ApiSettings(Section):
    """The HTTP API: where it listens, who may ask what, and how much.

    `keys` are `name:secret` pairs with commas between; without any, what needs a key is refused.
    """

    prefix: ClassVar[str] = "AVA_API_"

    host: str = "127.0.0.1"
    port: int = at_least(0, 8000)
    keys: Secret | None = None
    heartbeat_s: float = more_than(0, 25.0)  # 000.13: load balancers end what is silent for 60 s
    deadline_s: float = more_than(0, 30.0)
    body_bytes: int = at_least(0, 1_048_576)
    address_bytes: int = at_least(256, 8192)  # of path and query
    in_flight: int = at_least(1, 256)
    rate: float = more_than(0, 500.0)  # requests a second that one key may make of what needs one
    rate_burst: int = at_least(1, 1000)
    responses_bytes: int = at_least(0, 67_108_864)  # whole responses kept by the fast path
    streams: int = at_least(0, 256)  # open WebSockets
    send_s: float = more_than(0, 5.0)  # a WebSocket's client that takes longer to read is dropped
    drain_s: float = at_least(0, 20.0)


@dataclass(frozen=True, slots=True)
class LogSettings(Section):
    """What is logged: the least `level`, a line for each request, and in which form.

    `form` is "json", "human", or "auto" for human on a terminal and JSON elsewhere.
    """

    prefix: ClassVar[str] = "AVA_LOG_"

    level: str = "info"
    form: str = "auto"
    access: str = "off"

    def __post_init__(self) -> None:
        self._check_word("level", ("debug", "info", "warning", "error"))
        self._check_word("form", ("auto", "json", "human"))
        self._check_word("access", ("on", "off"))

    def form_for(self, *, terminal: bool) -> str:
        """Return the form for a stream that is a terminal, or not."""
        if self.form != "auto":
            return self.form
        return "human" if terminal else "json"

    def _check_word(self, name: str, words: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if value not in words:
            raise SettingsError(f"{self.key(name)} must be one of {words}, and is {value!r}")


@dataclass(frozen=True, slots=True)
class TracingSettings(Section):
    """Where traces are sent by OTLP over HTTP, and which share of them; off without an endpoint.

    `propagate` names the providers that are told the id of the trace, with commas between: by
    default nobody outside is.
    """

    prefix: ClassVar[str] = "AVA_TRACING_"

    endpoint: Secret | None = None
    share: float = at_least(0, 1.0)
    propagate: str = ""

    def __post_init__(self) -> None:
        Section.__post_init__(self)
        if self.share > 1:
            raise SettingsError(f"{self.key('share')} must be at most 1, and is {self.share}")

    def told(self) -> frozenset[str]:
        """Return the names of the providers that are told the trace."""
        return frozenset(name.strip() for name in self.propagate.split(",") if name.strip())


@dataclass(frozen=True, slots=True)
class WorkerSettings(Section):
    """Background work: how many jobs run at once, and how long a stop waits for them."""

    prefix: ClassVar[str] = "AVA_WORKER_"

    concurrency: int = at_least(1, 2)
    drain_s: float = at_least(0, 20.0)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every section of the platform's settings."""

    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    local: LocalSettings = field(default_factory=LocalSettings)
    keys: ProviderKeys = field(default_factory=ProviderKeys)
    models: ModelSettings = field(default_factory=ModelSettings)
    state: StateSettings = field(default_factory=StateSettings)
    providers: ProviderSettings = field(default_factory=ProviderSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    log: LogSettings = field(default_factory=LogSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read all sections; raise SettingsError for an unknown key or a malformed value."""
        _refuse_unknown(environ)
        return cls(**{name: section.read(environ) for name, section in _sections().items()})


def _sections() -> Mapping[str, Any]:
    return get_type_hints(Settings)


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = [section.key(item.name) for section in _sections().values() for item in fields(section)]
    for key in sorted(environ):
        if key.startswith(PREFIX) and not key.startswith(FOREIGN_PREFIX) and key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            advice = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            raise SettingsError(f"{key} is not a setting; {advice}")
