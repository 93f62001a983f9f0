"""The page's modules by themselves, in the browser: when to ask, and how numbers are written."""

from __future__ import annotations

import pytest

SCHEDULE = """async ({ url, steps, hidden }) => {
  const { Refresher } = await import(`${url}/console/schedule.js`);
  const { ManualClock } = await import(`${url}/console/clock.js`);
  const clock = new ManualClock();
  const asked = [];
  const outcomes = [...steps];
  const ask = async () => {
    asked.push(clock.now() / 1000);
    return outcomes.length > 1 ? outcomes.shift() : outcomes[0];
  };
  const refresher = new Refresher({ clock, ask, fallbackS: 30, hidden });
  refresher.now();
  await clock.advance(600_000);
  return asked;
}"""

FAILED = {"failed": True}


@pytest.fixture(scope="module")
def blank(context, door):
    """A page of the same server, without the console, to import modules into."""
    from perf.claims.system.console_stage import StandIn  # noqa: PLC0415 - no test needs its answers

    door.app = StandIn({})
    page = context.new_page()
    page.goto(f"{door.address}/console/icon.svg")
    return page, door.address


def run(blank, **given):
    """Let a refresher run for ten minutes of a manual clock; return when it asked."""
    page, url = blank
    return page.evaluate(SCHEDULE, {"url": url, "hidden": False, **given})


@pytest.mark.parametrize(
    ("outcome", "times"),
    [
        ({"freshS": 120}, [0, 120, 240, 360, 480, 600]),
        ({"freshS": 250.0004}, [0, 250.001, 500.002]),
        ({"freshS": 86_400}, [0]),
        ({"freshS": 0}, [30 * n for n in range(21)]),
        ({"freshS": 0.01}, list(range(601))),
        ({"failed": True, "needsKey": True}, [0]),
        (FAILED, [0, 30, 90, 210, 450]),
        ({"failed": True, "retryAfterS": 400}, [0, 400]),
    ],
)
def test_the_next_request_follows_from_the_answer(blank, outcome, times):
    """Fresh for so long, then again; without a freshness by the fallback; failing, ever later."""
    assert run(blank, steps=[outcome]) == times


def test_a_success_ends_the_patience(blank):
    """After failures the first good answer sets the time, and the next failure begins anew."""
    steps = [FAILED, FAILED, {"freshS": 100}, FAILED, {"freshS": 9999}]
    assert run(blank, steps=steps) == [0, 30, 90, 190, 220]


def test_hidden_from_the_start_asks_nothing(blank):
    """A tab that is opened in the background waits to be seen."""
    assert run(blank, steps=[{"freshS": 10}], hidden=True) == []


def test_waits_to_reconnect_grow_and_are_bounded(blank):
    """From half a second to a minute, half of each being chance."""
    page, url = blank
    waits = page.evaluate(
        """async (url) => {
          const { reconnectMs } = await import(`${url}/console/stream.js`);
          const least = [1, 2, 3, 10, 50].map((n) => reconnectMs(n, () => 0));
          const most = [1, 2, 3, 10, 50].map((n) => reconnectMs(n, () => 1));
          return [least, most];
        }""",
        url,
    )
    assert waits == [[500, 1000, 2000, 30_000, 30_000], [1000, 2000, 4000, 60_000, 60_000]]


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("money('1892.40')", "$1,892.40"),
        ("money('-0.5')", "\N{MINUS SIGN}$0.50"),
        ("money(null)", "\N{EN DASH}"),
        ("money(undefined)", "\N{EN DASH}"),
        ("money('0')", "$0.00"),
        ("number('')", "\N{EN DASH}"),
        ("number(1234567)", "1,234,567"),
        ("change('12.5')", "+$12.50"),
        ("share(0.406062)", "40.6%"),
        ("share(NaN)", "\N{EN DASH}"),
        ("odds(-110)", "\N{MINUS SIGN}110"),
        ("odds(150)", "+150"),
        ("span(0.0004)", "0.4 ms"),
        ("span(0.25)", "250 ms"),
        ("span(3600)", "60 min"),
        ("day('2026-01-05')", "Jan 5, 2026"),
        ("day(null)", "\N{EN DASH}"),
        ("dayTime('nonsense')", "\N{EN DASH}"),
    ],
)
def test_unknown_is_a_dash_and_never_nought(blank, call, shown):
    """What is known is written for people, with a real minus; what is not is a dash."""
    page, url = blank
    script = f"async (url) => (await import(`${{url}}/console/format.js`)).{call}"
    assert page.evaluate(script, url) == shown
