"""What went wrong, as a client of the API or a panel of the console is told.

Every error of the package becomes one `Problem`: a kind that programs tell apart, the status HTTP
has for it, and the error's own sentence, which holds no secret. The fields are those of RFC 9457
with the kind as the last part of its `type`. What is not the package's own error is a fault of
ours: its text stays in the log, and the problem says only that it happened.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from msgspec import Struct

from ava import errors
from ava.errors import AvaError, ProviderError, TooManyRequestsError

KINDS: Final = "urn:ava:problem:"

logger = logging.getLogger(__name__)

# The first class that an error is an instance of decides, so subclasses stand before their bases.
_STATUSES: Final[Mapping[type[AvaError], HTTPStatus]] = {
    errors.UnauthorisedError: HTTPStatus.UNAUTHORIZED,
    errors.TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.TooManyRequestsError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.BadBodyError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.BadLimitError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.BadCursorError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.BadValueError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.DuplicateKeyError: HTTPStatus.CONFLICT,
    errors.ConstraintError: HTTPStatus.CONFLICT,
    errors.UnknownRowError: HTTPStatus.NOT_FOUND,
    errors.StatementTimeoutError: HTTPStatus.GATEWAY_TIMEOUT,
    errors.DatabaseError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NoDatabaseError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SharedStoreDownError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.BadRequestError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RateLimitedError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.QuotaExhaustedError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.CircuitOpenError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DeadlineError: HTTPStatus.GATEWAY_TIMEOUT,
    errors.ProviderError: HTTPStatus.BAD_GATEWAY,
}


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A failure in the form of RFC 9457; `provider` and `retry_after_s` where they are known."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    provider: str | None = None
    retry_after_s: float | None = None

    @property
    def kind(self) -> str:
        """The last part of the type: `quota_exhausted`, `outage`, `internal`."""
        return self.type.removeprefix(KINDS)


def problem_of(error: BaseException) -> Problem:
    """Return what may be said of an error; one that is not the package's own is logged."""
    if not isinstance(error, AvaError):
        logger.error("an error nobody expected", exc_info=error)
        return problem("internal", HTTPStatus.INTERNAL_SERVER_ERROR, "it is described in the log")
    status = next(
        (status for kind, status in _STATUSES.items() if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    provider = error.provider if isinstance(error, ProviderError) else None
    wait_s = None
    if isinstance(error, ProviderError | TooManyRequestsError):
        wait_s = error.retry_after_s
    return problem(_kind(error), status, str(error), provider=provider, retry_after_s=wait_s)


def problem(
    kind: str,
    status: HTTPStatus,
    detail: str,
    *,
    provider: str | None = None,
    retry_after_s: float | None = None,
) -> Problem:
    """Return a problem of a kind, which is its title too; a wait is rounded up to milliseconds."""
    return Problem(
        type=KINDS + kind,
        title=kind.replace("_", " "),
        status=int(status),
        detail=detail,
        provider=provider,
        retry_after_s=None if retry_after_s is None else math.ceil(retry_after_s * 1e3) / 1e3,
    )


def _kind(error: AvaError) -> str:
    """Return `quota_exhausted` for QuotaExhaustedError."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]
