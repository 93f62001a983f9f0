"""What stands behind symbols."""

from __future__ import annotations

from http import HTTPStatus

from ava.api.access import Access
from ava.api.route import Routes
from ava.api.symbols import Symbols
from ava.core import Core
from ava.problems import problem
from ava.services.by_symbol import BySymbol
from ava.services.fresh import Fresh
from ava.services.metadata import Metadata, MetadataService

_EXAMPLE = BySymbol(
    items={
        "AAPL": Metadata(
            symbol="AAPL",
            name="Apple",
            exchange="NMS",
            currency="USD",
            sector="Information Technology",
            industry="Consumer Electronics",
            market_cap=2.24e12,
            pe=35.5,
            year_high=179.1,
            year_low=104.5,
            sources=("yahoo", "robinhood"),
        )
    },
    failed={
        "NOSUCH": problem(
            "not_found",
            HTTPStatus.NOT_FOUND,
            "Yahoo does not know the symbol 'NOSUCH'",
            provider="yahoo",
        )
    },
)


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/metadata", "metadata")
    service = core.service(MetadataService)

    @area.get("", answers=BySymbol[Metadata], example=_EXAMPLE, access=Access.KEY)
    async def metadata(symbols: Symbols) -> Fresh[BySymbol[Metadata]]:
        """Say what is known of each symbol; one that failed stands under `failed`."""
        return await service.batch(symbols)

    return area
