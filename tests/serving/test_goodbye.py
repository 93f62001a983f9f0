"""WebSockets at the end of a server: what the client gets, and what the application notices."""

import asyncio

import pytest

from ava.serving.goodbye import GOING_AWAY, Goodbye

pytestmark = pytest.mark.anyio

ACCEPT = {"type": "websocket.accept"}
CLOSE = {"type": "websocket.close", "code": 1000}


class Client:
    """What a server sees of its client: the messages that reached it."""

    def __init__(self):
        self.got = []

    async def send(self, message):
        """Take a message."""
        self.got.append(message)


async def never():
    """Wait for a message that does not come."""
    await asyncio.Event().wait()


def saying(*messages, then):
    """Return an application that sends messages and then waits."""

    async def app(_scope, _receive, send):
        for message in messages:
            await send(message)
        await then.wait()
        await send({"type": "websocket.send", "text": "too late"})

    return app


async def talk(app, kind="websocket"):
    """Start a conversation; return the layer's task and the client."""
    client = Client()
    talking = asyncio.create_task(app({"type": kind}, never, client.send))
    await asyncio.sleep(0)
    return talking, client


async def test_an_open_socket_is_closed_as_going_away():
    """The client can tell it from a failure, and comes back elsewhere."""
    then = asyncio.Event()
    app = Goodbye(saying(ACCEPT, then=then))
    talking, client = await talk(app)
    await app.say()
    assert [(m["type"], m.get("code")) for m in client.got] == [
        ("websocket.accept", None),
        ("websocket.close", GOING_AWAY),
    ]
    then.set()
    with pytest.raises(OSError, match="goes away"):
        await talking
    assert len(client.got) == 2


@pytest.mark.parametrize("said", [(), (ACCEPT, CLOSE)], ids=["not accepted", "closed already"])
async def test_a_socket_that_is_not_open_is_left_alone(said):
    """A second close would be a fault of the protocol."""
    app = Goodbye(saying(*said, then=asyncio.Event()))
    talking, client = await talk(app)
    await app.say()
    assert client.got == list(said)
    talking.cancel()


async def test_a_request_passes_untouched():
    """HTTP has its own way to end."""
    app = Goodbye(saying(ACCEPT, then=asyncio.Event()))
    talking, client = await talk(app, kind="http")
    await app.say()
    assert client.got == [ACCEPT]
    talking.cancel()


async def test_a_socket_that_ended_is_forgotten():
    """Nothing is kept of those that left."""
    then = asyncio.Event()
    then.set()
    app = Goodbye(saying(ACCEPT, then=then))
    talking, client = await talk(app)
    await talking
    await app.say()
    assert client.got[-1]["type"] == "websocket.send"
