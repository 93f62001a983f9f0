"""A configuration that changes while it is in use."""

import asyncio

import pytest

from ava.clock import ManualClock
from ava.errors import SettingsError
from ava.signals.broker import PaperBroker
from ava.signals.loop import TradingLoop
from ava.signals.predictor import Baseline
from ava.signals.reload import ConfigFile
from ava.signals.source import Snapshot, Tick
from ava.signals.store import MemoryStore
from ava.signals.trading import trade

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path):
    """A configuration of one symbol."""
    found = tmp_path / "trade.toml"
    found.write_text('symbols = ["A"]\n')
    return found


def write(path, text):
    """Replace a file as editors do."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def test_a_file_that_did_not_change_changes_nothing(path):
    """It is not even read."""
    assert ConfigFile(path).changed() is None


def test_a_good_change_is_taken_once(path):
    """Whatever looks again sees nothing new."""
    file = ConfigFile(path)
    write(path, 'symbols = ["A", "B"]\n')
    assert file.changed().symbols == ("A", "B")
    assert file.changed() is None


@pytest.mark.parametrize("text", ["symbols = [", "threshold = 3\n", "nonsense = 1\n"])
def test_a_bad_change_leaves_the_old_one(path, text, caplog):
    """What is wrong is said once."""
    file = ConfigFile(path)
    write(path, text)
    assert file.changed() is None
    assert file.changed() is None
    assert file.config.symbols == ("A",)
    assert len(caplog.records) == 1


def test_a_file_that_vanished_leaves_the_old_one(path):
    """An editor may be in the middle of it."""
    file = ConfigFile(path)
    path.unlink()
    assert file.changed() is None
    assert file.config.symbols == ("A",)


def test_a_bad_file_at_the_start_is_an_error(path):
    """There is no old one to go on by."""
    write(path, "symbols = []\n")
    with pytest.raises(SettingsError, match="one at least"):
        ConfigFile(path)


async def test_the_loop_takes_a_change_between_iterations(path):
    """And goes on by the old one after a change that needs a restart."""
    clock, file, asked = ManualClock(jump=True), ConfigFile(path), []
    changes = {2: 'symbols = ["A", "B"]\n', 4: 'symbols = ["A"]\nwindow = 32\n'}

    class Source:
        async def snapshot(self, symbols):
            asked.append(tuple(symbols))
            if len(asked) in changes:
                write(path, changes[len(asked)])
            return Snapshot(clock.now(), {s: Tick(1.0, clock.now()) for s in symbols})

    loop = TradingLoop(file.config, Source(), MemoryStore(), PaperBroker(), Baseline(), clock=clock)
    done = await trade(loop, stop=asyncio.Event(), file=file, most=6, clock=clock)
    assert asked == [("A",), ("A",), ("A", "B"), ("A", "B"), ("A", "B"), ("A", "B")]
    assert done.iterations == 6
    assert clock.slept[0] == 1.0
