"""Portfolio, dashboard, trades, alerts and watchlists over HTTP, down to a real database."""

from dataclasses import replace
from decimal import Decimal

import httpx
import pytest

from ava.api.app import create_app
from ava.core import Core
from ava.section import Secret
from ava.settings import (
    ApiSettings,
    DatabaseSettings,
    ProviderKeys,
    ProviderSettings,
    Settings,
    StateSettings,
)
from perf.lab.providers import Simulation

pytestmark = pytest.mark.anyio

KEY = {"authorization": "Bearer open-sesame"}
ROWS = """
INSERT INTO trading_accounts (account_name) VALUES ('one');
INSERT INTO portfolio_balances VALUES (1, CURRENT_DATE, 100.25, 10, 110.25);
INSERT INTO portfolio_history VALUES (1, CURRENT_DATE, 100.25, 1, 0.5);
INSERT INTO trade_history
    (account_id, symbol, action, quantity, price, total_value, order_type, executed_at)
SELECT 1, CASE g % 2 WHEN 0 THEN 'A' ELSE 'B' END, 'buy', 1, 2, 2, 'market',
    now() - g * interval '1 minute'
FROM generate_series(1, 7) AS g;
INSERT INTO alerts (alert_type, symbol, message, priority)
SELECT 't', 'A', 'm', g FROM generate_series(1, 5) AS g;
INSERT INTO watchlists (owner, name) VALUES ('desk', 'wheel');
INSERT INTO watchlist_items (watchlist_id, symbol) VALUES (1, 'AAPL'), (1, 'MSFT')
"""
ASKED = [
    ("GET", "/api/v1/portfolio", None),
    ("GET", "/api/v1/dashboard?account_id=1", None),
    ("GET", "/api/v1/dashboard/accounts", None),
    ("GET", "/api/v1/analytics/trades", None),
    ("GET", "/api/v1/alerts", None),
    ("PATCH", "/api/v1/alerts/1", {"read": True}),
    ("GET", "/api/v1/watchlists?owner=desk", None),
    ("POST", "/api/v1/watchlists", {"owner": "desk", "name": "new"}),
    ("GET", "/api/v1/watchlists/1/items", None),
    ("POST", "/api/v1/watchlists/1/items", {"items": [{"symbol": "TSLA"}]}),
    ("DELETE", "/api/v1/watchlists/1/items/AAPL", None),
]


@pytest.fixture
def settings(platform_dsn, tmp_path):
    """Settings of a platform with a database and one key."""
    return Settings(
        database=DatabaseSettings(url=Secret(platform_dsn), pool_min=1, pool_max=4),
        state=StateSettings(directory=tmp_path),
        api=ApiSettings(keys=Secret("desk:open-sesame")),
    )


@pytest.fixture
async def core(settings):
    """A platform with an account, its trades, alerts and a watchlist."""
    async with Core.open(settings) as opened:
        await opened.database.execute(ROWS)
        yield opened


@pytest.fixture
async def client(core):
    """A client of the API with the key."""
    async with served(core) as http:
        yield http


def served(core, **how):
    """Return a client of the API of a core."""
    transport = httpx.ASGITransport(create_app(core))
    return httpx.AsyncClient(transport=transport, base_url="http://api", headers=KEY, **how)


@pytest.mark.parametrize(("method", "path", "body"), ASKED)
async def test_nothing_of_an_account_is_shown_without_a_key(core, method, path, body):
    """Nor changed."""
    async with served(core) as http:
        del http.headers["authorization"]
        answer = await http.request(method, path, json=body)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path", "body"), ASKED[1:])
async def test_a_caller_with_a_key_is_answered(client, method, path, body):
    """Every route works as its schema says."""
    answer = await client.request(method, path, json=body)
    assert answer.status_code == (201 if path == "/api/v1/watchlists" else 200), answer.text


async def test_a_dashboard_is_told_with_its_freshness(client):
    """Money is text, and the client may keep the answer as long as its first part lasts."""
    answer = await client.get("/api/v1/dashboard", params={"account_id": 1, "days": 7})
    shown = answer.json()
    assert Decimal(shown["summary"]["data"]["balance"]["portfolio_value"]) == Decimal("100.25")
    assert {name for name, part in shown.items() if name != "account_id" and part["data"]} == {
        "summary", "activity", "performance", "alerts"
    }  # fmt: skip
    assert 13 <= float(answer.headers["x-fresh-for"]) <= 15
    assert answer.headers["cache-control"] in {"private, max-age=13", "private, max-age=14"}


async def test_a_failed_part_is_told_inside_a_good_answer(client, core):
    """Nobody may keep that answer."""
    await core.database.execute("ALTER TABLE alerts RENAME TO gone")
    answer = await client.get("/api/v1/dashboard?account_id=1")
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["alerts"]["problem"]["status"] == 503
    assert shown["alerts"]["data"] is None
    assert len(shown["activity"]["data"]["items"]) == 7
    assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/dashboard", 422),
        ("/api/v1/dashboard?account_id=0", 422),
        ("/api/v1/dashboard?account_id=9223372036854775808", 422),
        ("/api/v1/dashboard?account_id=2", 404),
        ("/api/v1/dashboard?account_id=1&days=367", 422),
        ("/api/v1/analytics/trades?limit=1001", 422),
        ("/api/v1/analytics/trades?limit=0", 422),
        ("/api/v1/analytics/trades?symbol=%00", 422),
        ("/api/v1/analytics/trades?cursor=nonsense", 422),
        ("/api/v1/watchlists", 422),
        ("/api/v1/watchlists?owner=%00", 422),
        ("/api/v1/watchlists/2/items", 404),
    ],
)
async def test_a_bad_question_is_a_problem_and_no_answer(client, path, status):
    """What is wrong is the caller's, and said."""
    answer = await client.get(path)
    assert answer.status_code == status
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v1/watchlists", {"owner": "desk", "name": "wheel"}, 409),
        ("POST", "/api/v1/watchlists", {"owner": "desk", "name": "a\nb"}, 422),
        ("POST", "/api/v1/watchlists", {"owner": "desk"}, 422),
        ("POST", "/api/v1/watchlists/1/items", {"items": []}, 422),
        ("POST", "/api/v1/watchlists/1/items", {"items": [{"symbol": "aapl"}]}, 422),
        ("POST", "/api/v1/watchlists/1/items", {"items": [{"symbol": f"S{n}"} for n in range(501)]},
         422),
        ("POST", "/api/v1/watchlists/1/items", {"items": [{"symbol": "A"}, {"symbol": "A"}]}, 409),
        ("POST", "/api/v1/watchlists/2/items", {"items": [{"symbol": "A"}]}, 404),
        ("DELETE", "/api/v1/watchlists/1/items/NONE", None, 404),
        ("PATCH", "/api/v1/alerts/99", {"read": True}, 404),
        ("PATCH", "/api/v1/alerts/1", {"read": "yes"}, 422),
    ],
)  # fmt: skip
async def test_a_bad_change_is_refused(client, method, path, body, status):
    """Nothing is changed."""
    assert (await client.request(method, path, json=body)).status_code == status


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/analytics/trades",
        "/api/v1/analytics/trades?account_id=1",
        "/api/v1/analytics/trades?symbol=A",
        "/api/v1/analytics/trades?symbol=A&account_id=1",
        "/api/v1/alerts",
        "/api/v1/watchlists/1/items",
    ],
)
async def test_pages_of_a_list_are_the_whole_list(client, path):
    """Two at a time, each row once and in order."""
    whole = (await client.get(path)).json()["items"]
    seen, cursor = [], {}
    while cursor is not None:
        page = (await client.get(path, params={**_query(path), "limit": 2, **cursor})).json()
        assert len(page["items"]) <= 2
        seen += page["items"]
        cursor = page["next_cursor"] and {"cursor": page["next_cursor"]}
    assert seen == whole
    assert len(whole) >= 2


def _query(path):
    return dict(httpx.URL(path).params)


async def test_a_change_is_seen_at_once(client):
    """What was kept of the list is dropped by the write."""
    path = "/api/v1/watchlists/1/items"
    await client.get(path)
    added = await client.post(path, json={"items": [{"symbol": "TSLA"}, {"symbol": "AAPL"}]})
    assert added.json() == {"added": 1, "present": 1}
    await client.delete(f"{path}/MSFT")
    listed = (await client.get(path)).json()["items"]
    assert {item["symbol"] for item in listed} == {"AAPL", "TSLA"}


async def test_the_portfolio_is_told_in_exact_text(settings):
    """From the simulated brokerage to the client."""
    with Simulation("robinhood", seed=1, pace=1000) as brokerage:
        placed = replace(
            settings,
            keys=ProviderKeys(robinhood=Secret(brokerage.key("robinhood"))),
            providers=ProviderSettings(urls=f"robinhood={brokerage.url('robinhood')}", pace=1000),
        )
        async with Core.open(placed) as core, served(core) as client:
            answer = await client.get("/api/v1/portfolio")
            again = await client.get(
                "/api/v1/portfolio", headers={"if-none-match": answer.headers["etag"]}
            )
    shown = answer.json()
    values = [Decimal(held["value"]) for held in (*shown["stocks"], *shown["options"])]
    assert len(values) == 45
    assert Decimal(shown["totals"]["value"]) == sum(values)
    assert (again.status_code, again.content) == (304, b"")
