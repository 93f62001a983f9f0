"""Traces: three spans of one request in one trace, nothing secret in them, and nothing when off."""

import sys

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from telemetry_asking import asking, example_routes, settings_of

from ava.api.route import Routes
from ava.clock import SystemClock
from ava.core import Core
from ava.db.query import named
from ava.net.request import Request
from ava.providers import espn
from ava.section import Secret
from ava.settings import SettingsError, TracingSettings
from ava.telemetry.telemetry import Telemetry, tracing_of
from ava.telemetry.tracing import open_tracing

pytestmark = pytest.mark.anyio

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Traced:
    """An application whose one route asks the database and a provider, and what its spans say."""

    def __init__(self, core, client, exporter, seen):
        self.core, self.client, self.seen = core, client, seen
        self._exporter = exporter

    async def spans(self):
        """Return the spans by name."""
        tracing = self.core.service(Telemetry).tracing
        tracing.flush()
        return {span.name: span for span in self._exporter.get_finished_spans()}


@pytest.fixture
async def traced(platform_dsn, request):
    """An application of a core with traces on; a test may name the providers that are told."""
    exporter, seen = InMemorySpanExporter(), []
    told = getattr(request, "param", "")
    tracing = TracingSettings(propagate=told)
    async with Core.open(settings_of(dsn=platform_dsn, tracing=tracing)) as core:
        core.service(Telemetry).tracing = open_tracing(tracing, SystemClock(), exporter=exporter)

        def answer(sent):
            seen.append(sent)
            return httpx.Response(503 if "down" in sent.url.path else 200, content=b"{}")

        provider = core.platform.gateway.client(espn.SPEC)
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as pool:
            provider._asker._http = pool
            async with asking(core, _area(core, provider)) as client:
                yield Traced(core, client, exporter, seen)
        core.service(Telemetry).tracing.close()


def _area(core, provider):
    area = Routes("/traced", "example")

    @area.get("/{path}", answers=str, example="a")
    async def ask(path: str) -> str:
        """Ask the database, then the provider."""
        await core.database.fetch(named("automation_switch"), {"name": "secret-value"})
        request = Request(path, {"q": "secret-query"}, repeatable=False)
        await provider.fetch(request, lambda answer: answer.status)
        return "done"

    return area


async def test_a_request_its_statement_and_its_call_are_one_trace(traced):
    """The request is the parent of both."""
    assert (await traced.client.get("/traced/up")).status_code == 200
    spans = await traced.spans()
    root = spans["GET /traced/{path}"]
    for name in ("automation_switch", "espn"):
        assert spans[name].context.trace_id == root.context.trace_id
        assert spans[name].parent.span_id == root.context.span_id
    assert root.parent is None
    assert root.start_time <= spans["automation_switch"].start_time
    assert spans["espn"].end_time <= root.end_time


async def test_a_trace_that_came_with_the_request_goes_on(traced):
    """By the W3C header; log lines name it too."""
    await traced.client.get("/traced/up", headers={"traceparent": PARENT})
    root = (await traced.spans())["GET /traced/{path}"]
    assert format(root.context.trace_id, "032x") == TRACE
    assert format(root.parent.span_id, "016x") == "b7ad6b7169203331"


async def test_a_malformed_trace_is_not_taken(traced):
    """A new one begins."""
    answer = await traced.client.get("/traced/up", headers={"traceparent": "00-zz-yy-01"})
    assert answer.status_code == 200
    assert (await traced.spans())["GET /traced/{path}"].parent is None


async def test_spans_hold_no_values(traced):
    """Neither path nor query nor parameters nor what an error said."""
    await traced.client.get("/traced/down?token=secret-token")
    shown = str([span.to_json() for span in (await traced.spans()).values()])
    assert "secret" not in shown
    assert "/traced/down" not in shown


async def test_what_failed_is_marked(traced):
    """By the kind of the error, in the span of the provider."""
    assert (await traced.client.get("/traced/down")).status_code == 502
    spans = await traced.spans()
    assert spans["espn"].attributes["error.type"] == "OutageError"
    assert not spans["espn"].status.is_ok
    assert not spans["GET /traced/{path}"].status.is_ok
    assert spans["automation_switch"].status.is_ok


async def test_no_outsider_is_told_the_trace(traced):
    """Unless it is asked for."""
    await traced.client.get("/traced/up", headers={"traceparent": PARENT})
    assert "traceparent" not in traced.seen[0].headers


@pytest.mark.parametrize("traced", ["espn, kalshi"], indirect=True)
async def test_a_provider_that_may_know_is_told(traced):
    """With the span of the call as parent."""
    await traced.client.get("/traced/up", headers={"traceparent": PARENT})
    sent = traced.seen[0].headers["traceparent"]
    call = (await traced.spans())["espn"]
    assert sent == f"00-{TRACE}-{call.context.span_id:016x}-01"


async def test_an_answer_of_the_fast_path_has_its_span():
    """FastAPI's own telemetry would not see it."""
    exporter = InMemorySpanExporter()
    async with Core.open(settings_of()) as core, asking(core, example_routes()) as client:
        telemetry = core.service(Telemetry)
        telemetry.tracing = open_tracing(TracingSettings(), SystemClock(), exporter=exporter)
        for _ in range(2):
            await client.get("/example/lasting/a")
        telemetry.tracing.flush()
        names = [span.name for span in exporter.get_finished_spans()]
        telemetry.tracing.close()
    assert names == ["GET /example/lasting/{name}"] * 2


async def test_no_share_means_no_spans():
    """A share of none is decided where a trace begins."""
    exporter = InMemorySpanExporter()
    tracing = open_tracing(TracingSettings(share=0.0), SystemClock(), exporter=exporter)
    tracing.request("GET", []).end("GET", "/x", 200)
    tracing.close()
    assert exporter.get_finished_spans() == ()


async def test_without_an_endpoint_there_are_no_traces():
    """And nothing is asked but whether there are."""
    async with Core.open(settings_of()) as core:
        telemetry = core.service(Telemetry)
        assert telemetry.tracing is None
        assert telemetry.exchange("espn", "GET").headers == {}


async def test_without_the_extra_it_says_so_and_runs(monkeypatch, caplog):
    """A platform does not stay down for its traces."""
    monkeypatch.setitem(sys.modules, "ava.telemetry.tracing", None)
    settings = TracingSettings(endpoint=Secret("http://127.0.0.1:4318/v1/traces"))
    assert tracing_of(settings, SystemClock()) is None
    assert "ava-perf[tracing]" in caplog.text
    assert "AVA_TRACING_ENDPOINT" in caplog.text


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_that_is_none_is_refused(share):
    """By the name of its setting."""
    with pytest.raises(SettingsError, match="AVA_TRACING_SHARE"):
        TracingSettings(share=share)


async def test_a_cancelled_call_ends_its_span():
    """Marked as what it was."""
    exporter = InMemorySpanExporter()
    tracing = open_tracing(TracingSettings(), SystemClock(), exporter=exporter)
    with pytest.raises(KeyboardInterrupt), tracing.exchange("espn", "GET"):
        raise KeyboardInterrupt
    tracing.close()
    [span] = exporter.get_finished_spans()
    assert span.attributes["error.type"] == "KeyboardInterrupt"
