"""The metrics, in Prometheus's text form."""

from __future__ import annotations

from fastapi import Response

from ava.api.route import Routes
from ava.core import Core
from ava.telemetry.metrics import CONTENT_TYPE
from ava.telemetry.telemetry import Telemetry

_EXAMPLE = """# HELP argo_cache_misses_total Cache misses.
# TYPE argo_cache_misses_total counter
argo_cache_misses_total 142.0
"""


def routes(core: Core) -> Routes:
    """Return the route; it has no schema, since Prometheus has a form of its own."""
    area = Routes("/metrics", "operation")
    telemetry = core.service(Telemetry)

    async def metrics() -> Response:
        """Return every metric."""
        return Response(
            await telemetry.metrics.text(),
            headers={"Cache-Control": "no-store"},
            media_type=CONTENT_TYPE,
        )

    text = {"schema": {"type": "string"}, "example": _EXAMPLE}
    shown = {"description": "The metrics.", "content": {"text/plain": text}}
    area.router.add_api_route(
        "", metrics, methods=["GET"], response_model=None, response_class=Response,
        openapi_extra={"responses": {"200": shown}},
    )  # fmt: skip
    return area
