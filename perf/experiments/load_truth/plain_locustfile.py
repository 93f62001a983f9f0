"""Locust as its documents have it, for the figures that stand beside ours: 200 requests a second.

A file of Locust's, loaded by the `locust` command only.
"""

import os

from locust import FastHttpUser, constant_throughput, task

USERS = int(os.environ.get("PLAIN_USERS", "4"))
RATE = float(os.environ.get("PLAIN_RATE", "200"))
PATH = os.environ.get("PLAIN_PATH", "/known")


class Plain(FastHttpUser):
    """Asks, waits for the answer, and keeps to its share of the rate where it can."""

    wait_time = constant_throughput(RATE / USERS)

    @task
    def ask(self) -> None:
        """Ask once."""
        self.client.get(PATH)
