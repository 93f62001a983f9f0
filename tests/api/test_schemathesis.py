"""The API attacked by its own document: with what it allows, and with what it does not.

A server in a thread, on a real PostgreSQL and simulated providers. Cases are the same in each run.
"""

import asyncio
import threading
from contextlib import suppress

import pytest
import requests
import schemathesis
from api_asking import KEYED, SECRET, serving
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks

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
from perf.lab.lab import Lab
from perf.lab.providers import Simulation

EXAMPLES = 4  # of each operation and kind
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
QUIET = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Server(threading.Thread):
    """Serves a core from a loop of its own; `place` is host and port."""

    def __init__(self, given_settings):
        super().__init__(daemon=True)
        self._settings = given_settings
        self._ready = threading.Event()
        self.place = None
        self._loop = self._end = None

    def __enter__(self):
        self.start()
        assert self._ready.wait(20)
        assert self.place is not None
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._end.set)
        self.join(20)

    def run(self):
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()

    async def _serve(self):
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with Core.open(self._settings) as core, serving(create_app(core)) as place:
            self.place = place
            self._ready.set()
            await self._end.wait()


@pytest.fixture(scope="module")
def attacked(servers, schema_template, tmp_path_factory):
    """The address of a platform with everything but Redis."""
    with Lab(servers.addresses, seed=1) as lab, Simulation(seed=1, pace=1000) as outside:
        names = outside.names
        keyed = [name for name in names if name in ProviderKeys.__dataclass_fields__]
        whole = Settings(
            database=DatabaseSettings(url=Secret(lab.dsn(lab.create_database(schema_template)))),
            keys=ProviderKeys(**{name: Secret(outside.key(name)) for name in keyed}),
            state=StateSettings(directory=tmp_path_factory.mktemp("state")),
            providers=ProviderSettings(
                urls=",".join(f"{name}={outside.url(name)}" for name in names), pace=1000
            ),
            api=ApiSettings(
                keys=Secret(f"desk:{SECRET}"), deadline_s=2.0, rate=10_000, rate_burst=10_000
            ),
        )
        with Server(whole) as server:
            yield f"http://{server.place}"


@pytest.mark.postgres
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_that_the_document_allows_or_forbids_is_a_fault_of_ours(attacked, mode):
    """No 500; every answer has a status, a type and a form that the document tells of."""
    document = schemathesis.openapi.from_url(f"{attacked}/openapi.json")
    found, asked = [], 0
    with requests.Session() as session:
        for result in document.get_all_operations():
            operation = result.ok()

            @QUIET
            @given(case=operation.as_strategy(generation_mode=mode))
            def attack(case):
                nonlocal asked
                asked += 1
                answer = case.call(base_url=attacked, session=session, headers=KEYED)
                assert answer.status_code != 500, answer.text
                case.validate_response(answer, checks=CHECKS)

            try:
                # What takes no parameters and no body cannot be asked wrongly.
                with suppress(Unsatisfiable):
                    attack()
            except (AssertionError, Failure, FailureGroup) as failure:
                found.append(f"{operation.label}: {failure}")
    assert found == []
    assert asked > 50
