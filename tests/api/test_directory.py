"""Routes are found by one look-up where they can be, and as ever where they cannot."""

import pytest
from api_asking import KEYED, asking, opened

from ava.api.app import create_app
from ava.api.route import Routes

pytestmark = pytest.mark.anyio


def area():
    """Return routes of every kind."""
    made = Routes("/api/v1/things", "things")

    @made.get("/first", answers=str, example="a")
    async def first() -> str:
        """Answer at a fixed path."""
        return "first"

    @made.get("/{name}", answers=str, example="a")
    async def one(name: str) -> str:
        """Answer at any path."""
        return f"one {name}"

    @made.get("/last", answers=str, example="a")
    async def last() -> str:
        """Answer at a fixed path that another route takes before."""
        return "last"

    @made.change("POST", "/first", answers=str, example="a")
    async def change() -> str:
        """Change."""
        return "changed"

    return made


@pytest.mark.parametrize(
    ("method", "path", "status", "answer"),
    [
        ("GET", "/first", 200, "first"),
        ("GET", "/first?a=b", 200, "first"),
        ("POST", "/first", 200, "changed"),
        ("GET", "/second", 200, "one second"),
        ("GET", "/last", 200, "one last"),
        ("PUT", "/first", 405, None),
        ("GET", "/first/", 307, None),
        ("GET", "/first/none", 404, None),
    ],
)
async def test_a_request_reaches_the_route_that_a_router_would_choose(method, path, status, answer):
    """Whatever the order of declaration says."""
    async with opened() as core, asking(create_app(core, [area()])) as client:
        response = await client.request(method, f"/api/v1/things{path}", headers=KEYED)
    assert response.status_code == status
    assert answer is None or response.json() == answer


async def test_a_route_that_needs_a_key_needs_it_here_too(core):
    """The look-up goes by no other way than the route's own."""
    async with asking(create_app(core, [area()])) as client:
        assert (await client.post("/api/v1/things/first")).status_code == 401
