"""The one tree of errors of the package.

Every message says what happened, with which value, and what to do about it. Errors of other
libraries are translated once, at the edge where they enter (`ava.db.failures` for psycopg). No
message holds a connection string or a password: they are kept in `ava.section.Secret`, and what
could repeat one is raised without its cause.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar


class AvaError(Exception):
    """Base of everything this package raises on purpose."""


class SettingsError(AvaError):
    """A setting is unknown, missing or malformed; the message names its key."""


class QueryFileError(AvaError):
    """A file of named statements breaks its format, or a name is asked for that no file has."""


class WrongThreadError(AvaError):
    """A face of the database was used where it would deadlock or touch another event loop."""


class BadLimitError(AvaError):
    """A page was asked for with a size outside the bounds."""


class BadCursorError(AvaError):
    """A page cursor is garbled, or belongs to another list."""


class BadNameError(AvaError):
    """A table or column has a name that a batch cannot be composed with."""


class BadValueError(AvaError):
    """A value cannot be stored; `row` (from 0) and `column` say where it stood, where known."""

    def __init__(self, message: str, *, row: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.row = row
        self.column = column


class DuplicateKeyError(AvaError):
    """A batch holds a key more than once, so which row would win is chance.

    `rows` are the positions (from 0) of the first key found twice.
    """

    def __init__(self, message: str, *, rows: tuple[int, ...]) -> None:
        super().__init__(message)
        self.rows = rows


class BadBodyError(AvaError):
    """The body of a request is not what the route takes."""


class TooLargeError(AvaError):
    """A request is larger than what is read of one."""


class TooManyRequestsError(AvaError):
    """A caller asks faster than it may; `retry_after_s` says when it may again."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnauthorisedError(AvaError):
    """A request needs a key and has none, or has one that is not known."""


class NoDatabaseError(AvaError):
    """Something needs PostgreSQL, and none is configured."""


class UnknownRowError(AvaError):
    """A row is asked for by a key that no row has."""


class DatabaseError(AvaError):
    """PostgreSQL, or the way to it, failed; `sqlstate` is the server's code where it gave one.

    `transient` says that nothing was committed and the same transaction may succeed if repeated.
    """

    transient: ClassVar[bool] = False

    def __init__(self, message: str, *, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class ServerUnreachableError(DatabaseError):
    """No connection could be made in the time allowed, retries included."""


class PoolExhaustedError(DatabaseError):
    """Every connection of the pool stayed busy for as long as the caller could wait."""


class PoolClosedError(DatabaseError):
    """The database was used before it was opened or after it was closed."""


class ConnectionLostError(DatabaseError):
    """The connection broke before anything was committed."""

    transient: ClassVar[bool] = True


class TransactionConflictError(DatabaseError):
    """The server gave up this transaction for another's sake: a deadlock or a serial conflict."""

    transient: ClassVar[bool] = True


class CommitUncertainError(DatabaseError):
    """The connection broke during COMMIT: the work may be stored or not, and is not repeated."""


class StatementTimeoutError(DatabaseError):
    """A statement ran longer than the statement timeout and was cancelled."""


class ConstraintError(DatabaseError):
    """A row breaks a constraint of the schema; `constraint` is its name where the server says."""

    def __init__(
        self, message: str, *, sqlstate: str | None = None, constraint: str | None = None
    ) -> None:
        super().__init__(message, sqlstate=sqlstate)
        self.constraint = constraint


class StatementError(DatabaseError):
    """The server refused a statement for any other reason."""


class SharedStoreDownError(AvaError):
    """Redis does not answer, or answered with an error; callers carry on without it."""


class ProviderError(AvaError):
    """A provider could not answer; the subclasses say why, however the provider disguised it.

    `transient` says that the same request may succeed if repeated. `retry_after_s` is the wait the
    provider asked for, where it did. No message holds a key: texts of providers are redacted.
    """

    transient: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.status = status
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are copied by calling the class with `args`, which lack the keywords.
        return _revived, (type(self), self.args), self.__dict__


class RateLimitedError(ProviderError):
    """The provider says that requests come too fast; a later one will be answered."""

    transient: ClassVar[bool] = True


class OutageError(ProviderError):
    """The provider is out of reach or broken: transport errors, timeouts, 5xx."""

    transient: ClassVar[bool] = True


class BadDataError(ProviderError):
    """The answer is not what the provider's format promises: garbled, truncated, wrong types."""

    transient: ClassVar[bool] = True


class QuotaExhaustedError(ProviderError):
    """The day's or month's calls are spent; `resets_at` says when there are more, if known."""

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        status: int | None = None,
        resets_at: datetime | None = None,
    ) -> None:
        super().__init__(message, provider=provider, status=status)
        self.resets_at = resets_at


class AuthenticationError(ProviderError):
    """The key is missing, wrong or blocked."""


class PlanError(ProviderError):
    """The key is good, and its plan does not include what was asked for."""


class NotFoundError(ProviderError):
    """The provider does not know the symbol, event or page asked for."""


class BadRequestError(ProviderError):
    """The provider refuses the request as malformed; repeating it changes nothing."""


class CircuitOpenError(ProviderError):
    """The provider failed too often and is left alone for `retry_after_s`; it was not asked."""


class DeadlineError(ProviderError):
    """The caller's deadline came, or would come, before an answer."""


def _revived(kind: type[ProviderError], args: tuple[Any, ...]) -> ProviderError:
    error = kind.__new__(kind)
    error.args = args
    return error
