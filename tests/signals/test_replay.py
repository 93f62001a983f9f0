"""Replays: the same every time, and stopped or kept as asked."""

import asyncio
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ava.cli.commands.trade import command
from ava.errors import SettingsError
from ava.signals.replay import ReplaySource

pytestmark = pytest.mark.anyio
DATA = Path(os.environ.get("AVA_PERF_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
REAL = sorted((DATA / "market").glob("*ticks*.gz")) + sorted((DATA / "market").glob("*minute*.gz"))


def walk(path, symbols=("A", "B"), length=300, seed=1):
    """Write random walks as closes side by side."""
    rng, prices = random.Random(seed), dict.fromkeys(symbols, 100.0)
    lines = ["datetime," + ",".join(symbols)]
    for n in range(length):
        for symbol in symbols:
            prices[symbol] *= 1 + rng.gauss(0.0005, 0.01)
        cells = ",".join(f"{price:.4f}" for price in prices.values())
        lines.append(f"2026-01-{5 + n // 600:02} {n // 60 % 24:02}:{n % 60:02},{cells}")
    path.write_text("\n".join(lines) + "\n")
    return path


def replay(*arguments):
    """Run the command and return its summary."""
    given = [str(argument) for argument in arguments]
    done = CliRunner().invoke(command, [*given, "--json"], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return json.loads(done.stdout)


def without_times(found):
    """Return a summary without what a clock measured."""
    return {name: value for name, value in found.items() if name != "components"}


def test_a_replay_decides_the_same_every_time(tmp_path):
    """The digest names every decision and fill in its order."""
    path = walk(tmp_path / "walk.csv")
    first, second = replay("--replay", path), replay("--replay", path)
    assert without_times(first) == without_times(second)
    assert first["fills"] > 0
    assert first["iterations"] == 300


def test_another_process_decides_the_same(tmp_path):
    """Nothing rests on the order of a set or the seed of a hash."""
    path = walk(tmp_path / "walk.csv")
    arguments = [sys.executable, "-m", "ava.cli", "trade", "--replay", str(path), "--json"]
    done = subprocess.run(
        arguments, capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    assert json.loads(done.stdout)["digest"] == replay("--replay", path)["digest"]


def test_a_replay_that_is_kept_holds_what_the_summary_says(tmp_path):
    """And decides as one that is not."""
    path, store = walk(tmp_path / "walk.csv"), tmp_path / "kept.db"
    kept, loose = replay("--replay", path, "--store", store), replay("--replay", path)
    assert kept["holdings"] == loose["holdings"]
    assert store.stat().st_size > 0
    with pytest.raises(SettingsError, match="name another"):
        replay("--replay", path, "--store", store)


def test_two_files_are_one_stream_of_time(tmp_path):
    """Their symbols trade side by side."""
    one = walk(tmp_path / "one.csv", ("A",))
    other = walk(tmp_path / "other.csv", ("B",), seed=2)
    assert replay("--replay", one, "--replay", other)["iterations"] == 300


def test_a_configuration_says_which_symbols(tmp_path):
    """The others are not traded."""
    config = tmp_path / "trade.toml"
    config.write_text('symbols = ["B"]\n[rule]\nconfidence = 0.1\n')
    found = replay("--replay", walk(tmp_path / "walk.csv"), "--config", config)
    assert found["prices"] == 300
    assert set(found["holdings"]) <= {"B"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("symbls = []", "unknown field `symbls`"),
        ("threshold = 2", "threshold: a fraction"),
        ("[rule]\nconfidnce = 1", "unknown field `confidnce`"),
        ("symbols = [", "cannot be read as TOML"),
    ],
)
def test_a_wrong_configuration_is_refused_with_its_key(tmp_path, text, reason):
    """Before anything is traded."""
    config = tmp_path / "trade.toml"
    config.write_text(text)
    with pytest.raises(SettingsError, match=reason):
        replay("--replay", walk(tmp_path / "walk.csv"), "--config", config)


def test_an_unknown_zone_is_refused(tmp_path):
    """The message says what a zone is."""
    with pytest.raises(SettingsError, match="no time zone"):
        replay("--replay", walk(tmp_path / "walk.csv"), "--zone", "Mars")


@pytest.mark.skipif(not REAL, reason="the folder of real data is not here; AVA_PERF_DATA names it")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
async def test_real_files_are_read_to_their_end(path):
    """Every row is a price or is counted as what is wrong with it."""
    source = ReplaySource([path])
    symbols, moments, last = source.symbols(), 0, None
    while (snapshot := await source.snapshot(symbols)) is not None:
        assert last is None or snapshot.at > last
        last, moments = snapshot.at, moments + 1
        if moments >= 5_000:
            break
        await asyncio.sleep(0)
    left_out = sum(sum(faults.values()) for faults in source.faults().values())
    assert moments > 1_000
    assert left_out < source.read / 100
