"""Processes as an operator starts them: `ava ...` with an environment, watched from outside."""

import http.client
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

PATIENCE_S = 60.0  # a second, on a machine that does nothing else
KEY = "sesame-of-the-desk"
SERVES = re.compile(r"serves (http://\S+)/api/v1")


class Running:
    """One process of the command, and what it said on stdout and stderr."""

    def __init__(self, arguments, environ):
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AVA_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ava.cli", *arguments],
            env=clean | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        self._said = queue.Queue()
        self._url = None
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
                self._said.put(line)

    def until(self, pattern):
        """Return the first match in what it says from now on."""
        while True:
            try:
                found = re.search(pattern, self._said.get(timeout=PATIENCE_S))
            except queue.Empty:
                raise AssertionError(f"{pattern} was not said, but: {self.text}") from None
            if found is not None:
                return found

    @property
    def url(self):
        """The address of the API, once it has said that it serves."""
        if self._url is None:
            self._url = self.until(SERVES).group(1)
        return self._url

    @property
    def text(self):
        """Everything it said."""
        return "\n".join(self.lines)

    def signal(self, number=signal.SIGTERM):
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self):
        """Return the exit code once it has ended and said its last word."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def ask(self, method, path, body=None, key=KEY):
        """Return the status and the decoded answer of one request on a connection of its own."""
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=PATIENCE_S)
        try:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text.startswith((b"{", b"[")) else text


@contextmanager
def running(*arguments, **environ):
    """Run the command for the length of a block, and end it with the block."""
    process = Running(arguments, environ)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.signal(signal.SIGKILL)
        process.wait()


def refuses(url):
    """Say whether nobody listens there."""
    place = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((place.hostname, place.port)) != 0


def until(holds):
    """Look until something holds: nothing tells when another process has come so far."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.01)
