"""Shift what a process allocates by chance.

Where an object lies decides with which others it competes for a line of the cache, and that is the
same in each process that makes the same objects. A path that is two letters longer can so make a
benchmark slower by 2 % in every pair, though not a line of code has changed. A random number of
objects of each size before all others makes it chance, which more pairs average out (Curtsinger and
Berger, Stabilizer, ASPLOS 2013). Both sides of a pair are shifted alike: where they make the same
objects they stay comparable, and where one makes others each pair meets another coincidence.
"""

from __future__ import annotations

from random import Random

_POOL = 1 << 14  # bytes in which CPython lays objects of one size
_STEP = 16  # bytes between sizes
_LARGEST = 512  # bytes of an object that lies in a pool
_BYTES = 33  # of an empty bytes object
_FEW, _FAR = 8, 1 << 13  # larger objects, and what they have at most


def shift(seed: int, name: str) -> list[object]:
    """Return objects that shift all that is allocated after them, for as long as they are kept.

    `name` says what comes after them: each has numbers of its own.
    """
    rng = Random(f"{seed} {name}")  # noqa: S311 - it decides where things lie
    kept: list[object] = [object() for _ in range(rng.randrange(_POOL // _STEP))]
    kept += [rng.random() for _ in range(rng.randrange(_POOL // (2 * _STEP)))]
    for size in range(3 * _STEP, _LARGEST + 1, _STEP):
        kept += [bytes(size - _BYTES) for _ in range(rng.randrange(_POOL // size))]
    kept += [bytes(rng.randrange(_LARGEST, _FAR)) for _ in range(_FEW)]
    return kept
