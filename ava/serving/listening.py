"""Where the API is reached: the socket that it listens on, and what that address is called.

The address is taken before anything else is opened, so that a second `ava serve` on the same port
fails at once; connections are let in only when there is somebody to answer them.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TypeAlias

from ava.errors import AvaError
from ava.settings import ApiSettings

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_LOOPBACK = {4: "127.0.0.1", 6: "::1"}


class AddressTakenError(AvaError):
    """The API cannot have the address that it is to listen on."""


def bound(settings: ApiSettings) -> socket.socket:
    """Return a socket that has the address and does not listen yet.

    Raises AddressTakenError.
    """
    place = f"{settings.host}:{settings.port}"
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, OverflowError):
        raise AddressTakenError(f"{place} is not an address; {_advice()}") from None
    listener = socket.socket(family, kind, number)
    try:
        # A connection of the process before, still closing, must not keep the next one out.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise AddressTakenError(
            f"cannot listen on {place}: {error.strerror}; {_advice()}"
        ) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL by which this machine's browser reaches a socket."""
    address = _address(listener)
    shown = _LOOPBACK[address.version] if address.is_unspecified else str(address)
    port = listener.getsockname()[1]
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def is_private(listener: socket.socket) -> bool:
    """Say whether only this machine reaches a socket."""
    return _address(listener).is_loopback


def _address(listener: socket.socket) -> Address:
    host: str = listener.getsockname()[0]
    return ipaddress.ip_address(host.partition("%")[0])


def _advice() -> str:
    return f"{ApiSettings.key('host')} and {ApiSettings.key('port')} choose another"
