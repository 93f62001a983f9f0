"""A server that answers after a known delay, to calibrate the generator against.

It runs as a script of its own (`python -m perf.load.delay MILLISECONDS`), prints its port and ends
when its stdin does, so that it cannot outlive who started it. The delay counts from the request's
arrival; its last part is spent spinning, since sleeping is late by more than is to be found out.
Where the server itself got no core in time, its delay is longer: each answer states, in
microseconds, the one that it made.
"""

from __future__ import annotations

import socket
import sys
import threading
import time

_SPIN_S = 0.0005
_CHUNK = 65536


def serve(delay_s: float) -> None:
    """Serve on a free port of loopback until stdin ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        threading.Thread(target=_accept, args=(listening, delay_s), daemon=True).start()
        print(listening.getsockname()[1], flush=True)
        sys.stdin.read()


def _accept(listening: socket.socket, delay_s: float) -> None:
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=_answer, args=(connection, delay_s), daemon=True).start()


def _answer(connection: socket.socket, delay_s: float) -> None:
    """Answer every request of a connection; the calibration's fit one segment each."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        while connection.recv(_CHUNK):
            arrived = time.perf_counter()
            _wait_until(arrived + delay_s)
            made = b"%.1f" % ((time.perf_counter() - arrived) * 1e6)
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(made)
            connection.sendall(head + made)


def _wait_until(due: float) -> None:
    time.sleep(max(0.0, due - time.perf_counter() - _SPIN_S))
    while time.perf_counter() < due:
        pass


if __name__ == "__main__":
    serve(float(sys.argv[1]) / 1000)
