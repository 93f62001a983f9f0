"""The figures as Prometheus reads them: gathered when asked, from where the platform keeps them.

Each core has a registry of its own, and its collectors read figures that are kept anyway, so
nothing is counted twice and a scrape shows exactly what the API shows. Names are those of the
documents where they give one (`db_query_duration_seconds`, `argo_*`), and begin with `ava_`
otherwise. What is not known (a quota nobody looked at, the health of an unused provider) is absent,
as Prometheus wants it; a histogram of what has not happened has count 0. Labels come from code:
statements, providers, route templates, never from a request.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from ava.telemetry.collect_net import ProviderCollector
from ava.telemetry.collect_store import CacheCollector, DatabaseCollector
from ava.telemetry.collect_web import SignalCollector, WatchCollector, WebCollector
from ava.telemetry.exposition import written

if TYPE_CHECKING:
    from ava.core import Core
    from ava.telemetry.telemetry import Telemetry

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """The registry of one core."""

    def __init__(self, core: Core, telemetry: Telemetry) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        for collector in (
            DatabaseCollector(core),
            CacheCollector(core),
            ProviderCollector(core),
            WebCollector(core, telemetry),
            SignalCollector(telemetry),
            WatchCollector(telemetry),
        ):
            self.registry.register(collector)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    async def text(self) -> bytes:
        """Return everything in Prometheus's text form.

        The figures are read here, where they change; writing them out, which takes longer, is left
        to a thread, so that nobody waits for it.
        """
        gathered = list(self.registry.collect())
        return await asyncio.to_thread(written, gathered)
