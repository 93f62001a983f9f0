"""Alerts and the marks on them, on a real database and a real Redis."""

import pytest

from ava.core import Core
from ava.errors import UnknownRowError
from ava.services.alerts import Alerts

pytestmark = pytest.mark.anyio


@pytest.fixture
async def alerts(core):
    """Alerts of priorities 1 to 5, with the ids 1 to 5."""
    async with core.database.connection() as connection:
        await connection.cursor().executemany(
            "INSERT INTO alerts (alert_type, symbol, message, priority) VALUES ('t', 'A', 'm', %s)",
            [(priority,) for priority in range(1, 6)],
        )
    return core.service(Alerts)


def ids(fresh):
    """Return the ids of a page."""
    return [alert.id for alert in fresh.value.items]


async def test_the_most_urgent_come_first_in_pages(alerts):
    """The second page goes on where the first ended."""
    first = await alerts.active(limit=3)
    second = await alerts.active(limit=3, cursor=first.value.next_cursor)
    assert (ids(first), ids(second)) == ([5, 4, 3], [2, 1])
    assert second.value.next_cursor is None


async def test_an_urgent_alert_between_two_pages_moves_nothing(alerts, core):
    """It belongs before the first page, and the second is what it would have been."""
    first = await alerts.active(limit=3)
    await core.database.execute(
        "INSERT INTO alerts (alert_type, symbol, message, priority) VALUES ('t', 'B', 'm', 5)"
    )
    assert ids(await alerts.active(limit=3, cursor=first.value.next_cursor)) == [2, 1]


async def test_a_dismissed_alert_is_gone_at_once(alerts):
    """The list was kept, and the mark dropped it."""
    assert ids(await alerts.active(limit=10)) == [5, 4, 3, 2, 1]
    marked = await alerts.mark(5, dismissed=True)
    assert (marked.is_dismissed, marked.is_read) == (True, False)
    assert ids(await alerts.active(limit=10)) == [4, 3, 2, 1]


async def test_a_mark_leaves_the_other_as_it_is(alerts):
    """What is not said is not changed, and a mark can be taken back."""
    await alerts.mark(2, read=True)
    await alerts.mark(2, dismissed=True)
    marked = await alerts.mark(2, dismissed=False)
    assert (marked.is_read, marked.is_dismissed) == (True, False)


async def test_an_unknown_alert_is_refused(alerts):
    """A mark on nothing is an error and not a success."""
    with pytest.raises(UnknownRowError, match="no alert 99"):
        await alerts.mark(99, read=True)


async def test_a_mark_reaches_another_process(alerts, settings, eventually):
    """The other one held the alert in its memory."""
    async with Core.open(settings) as other:
        theirs = other.service(Alerts)

        async def is_gone():
            return 5 not in ids(await theirs.active(limit=10))

        assert not await is_gone()
        await alerts.mark(5, dismissed=True)
        await eventually(is_gone)


async def test_alerts_are_kept_for_fifteen_seconds(alerts):
    """001.2, less the tenth by which entries are spread."""
    fresh = await alerts.active(limit=10)
    assert 13 < fresh.fresh_s <= 15
    assert fresh.tags == ("alerts",)
