"""A core for tests of the API's layers."""

import pytest
from api_asking import opened


@pytest.fixture
async def core():
    """A core without a database and without Redis."""
    async with opened() as made:
        yield made
