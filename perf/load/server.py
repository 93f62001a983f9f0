"""The server's side of a run: what processes, cores, its own figures and its stores say meanwhile.

A sample is what was read at one moment, as it was read: totals since the server's start, levels of
the moment. Differences and shares are derived from two samples by whoever asks. Reading is kept
cheap, since it is paid for by what is measured: processes and stores are read every second, the
service's own figures, which cost it milliseconds to write, every few seconds and at the edges of
phases. What cannot be read is None, and never stops a run.
"""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from perf.demonstration import Service
from perf.load.machine import Cores, cores, waited_s
from perf.load.told import Told, parse, spread_from, spread_json

_MB = 1_000_000
_PATIENCE_S = 5.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # as the generator asks
_POSTGRES = """
SELECT numbackends, xact_commit, xact_rollback, blks_read, blks_hit, tup_returned, deadlocks,
       temp_bytes, (SELECT count(*) FROM pg_stat_activity AS a
                     WHERE a.datname = d.datname AND a.state = 'active') AS active,
       (SELECT count(*) FROM pg_stat_activity AS a
         WHERE a.datname = d.datname AND a.wait_event_type = 'Lock') AS waiting_for_locks
  FROM pg_stat_database AS d
 WHERE datname = current_database()
"""
_REDIS = (
    "connected_clients",
    "used_memory",
    "total_commands_processed",
    "keyspace_hits",
    "keyspace_misses",
    "evicted_keys",
)

Numbers = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """What was read `at_s` seconds after the run's start; `label` names a phase's edge.

    `waited_s` is how long processes had no core that wanted one; `generating_s` is the processor
    time of the generator, which is no process of the server's.
    """

    at_s: float
    label: str | None = None
    rss_mb: Numbers = field(default_factory=dict)
    cpu_s: Numbers = field(default_factory=dict)
    told: Told | None = None
    postgres: Numbers | None = None
    redis: Numbers | None = None
    waited_s: Numbers = field(default_factory=dict)
    generating_s: float | None = None
    cores: Cores | None = None


class Watch:
    """Reads samples of a service for the length of a block."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._postgres: psycopg.Connection[Any] | None = None
        self._redis: Any = None

    def __enter__(self) -> Self:
        if self._service.dsn is not None:
            try:
                self._postgres = psycopg.connect(
                    self._service.dsn, autocommit=True, connect_timeout=int(_PATIENCE_S)
                )
                self._postgres.execute(f"SET statement_timeout = '{_PATIENCE_S:.0f}s'")
            except psycopg.Error:
                self._postgres = None
        if self._service.redis_url is not None:
            import redis  # noqa: PLC0415 - only where there is one

            self._redis = redis.Redis.from_url(self._service.redis_url, socket_timeout=_PATIENCE_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._postgres is not None:
            self._postgres.close()
        if self._redis is not None:
            self._redis.close()

    def sample(
        self,
        at_s: float,
        label: str | None = None,
        *,
        asking: bool = False,
        generating: Iterable[int] = (),
    ) -> Sample:
        """Read everything; with `asking` the service's own figures too."""
        pids = self._service.processes
        return Sample(
            at_s=at_s,
            label=label,
            rss_mb=_known({name: _resident_mb(pid) for name, pid in pids.items()}),
            cpu_s=_known({name: _cpu_s(pid) for name, pid in pids.items()}),
            told=self._ask() if asking else None,
            postgres=self._ask_postgres(),
            redis=self._ask_redis(),
            waited_s=_known({name: waited_s(pid) for name, pid in pids.items()}),
            generating_s=_total(map(_cpu_s, generating)),
            cores=cores(),
        )

    def _ask(self) -> Told | None:
        figures = self._service.figures
        if figures is None:
            return None
        request = urllib.request.Request(  # noqa: S310 - the address is the service's own
            self._service.url.rstrip("/") + figures.path, headers=dict(self._service.headers)
        )
        try:
            with _DIRECT.open(request, timeout=_PATIENCE_S) as answer:
                return parse(answer.read().decode("utf-8", "replace"), figures)
        except (OSError, urllib.error.URLError, ValueError):
            return None

    def _ask_postgres(self) -> Numbers | None:
        if self._postgres is None:
            return None
        try:
            cursor = self._postgres.execute(_POSTGRES)
            row, columns = cursor.fetchone(), cursor.description
        except psycopg.Error:
            return None
        if row is None or columns is None:
            return None
        return {column.name: float(value) for column, value in zip(columns, row, strict=True)}

    def _ask_redis(self) -> Numbers | None:
        if self._redis is None:
            return None
        import redis  # noqa: PLC0415 - as above

        try:
            info = self._redis.info()
        except redis.RedisError:
            return None
        return {name: float(info[name]) for name in _REDIS if name in info}


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _total(values: Iterable[float | None]) -> float | None:
    """Return the sum; None where there is nothing to add or a part is not known."""
    parts = list(values)
    known = [one for one in parts if one is not None]
    return sum(known) if parts and len(known) == len(parts) else None


def _resident_mb(pid: int) -> float | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    return None if found is None else int(found[1]) * 1024 / _MB


def _cpu_s(pid: int) -> float | None:
    """Return the processor time that a process used so far."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def to_json(sample: Sample) -> dict[str, Any]:
    """Return a sample as it stands in a result."""
    told = sample.told or Told()
    return {
        "at_s": round(sample.at_s, 3),
        "label": sample.label,
        "requests": told.requests,
        "hits": told.hits,
        "misses": told.misses,
        "rss_mb": dict(sample.rss_mb),
        "cpu_s": dict(sample.cpu_s),
        "latency": None if told.latency is None else spread_json(told.latency),
        "loop_lag": None if told.lag is None else spread_json(told.lag),
        "pool": dict(told.pool),
        "postgres": None if sample.postgres is None else dict(sample.postgres),
        "redis": None if sample.redis is None else dict(sample.redis),
        "waited_s": dict(sample.waited_s),
        "generating_s": sample.generating_s,
        "cores": None if sample.cores is None else sample.cores.to_json(),
    }


def from_json(raw: Mapping[str, Any]) -> Sample:
    """Read what `to_json` wrote; raise KeyError or TypeError for something else."""
    told = Told(
        requests=raw["requests"],
        latency=spread_from(raw["latency"]),
        hits=raw["hits"],
        misses=raw["misses"],
        lag=spread_from(raw["loop_lag"]),
        pool=raw["pool"],
    )
    return Sample(
        at_s=raw["at_s"],
        label=raw["label"],
        rss_mb=raw["rss_mb"],
        cpu_s=raw["cpu_s"],
        told=None if told == Told() else told,
        postgres=raw["postgres"],
        redis=raw["redis"],
        waited_s=raw.get("waited_s", {}),
        generating_s=raw.get("generating_s"),
        cores=Cores.from_json(raw.get("cores")),
    )
