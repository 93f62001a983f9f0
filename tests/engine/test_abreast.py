"""Counted work that is shared among the cores."""

import math

import pytest

from perf.claims.abreast import abreast


def test_pieces_come_back_in_their_order() -> None:
    """What is made of each piece stands where the piece stood, whoever ended first."""
    pieces = [100_000, 1, 20_000, 2]
    assert abreast(math.isqrt, pieces) == [316, 1, 141, 1]


def test_one_piece_is_done_here() -> None:
    """A single piece is not sent to another process, so it need not be picklable."""
    assert abreast(lambda piece: piece + 1, [1]) == [2]


def test_a_piece_that_fails_fails_all() -> None:
    """An error in another process is raised here, so no figure is made of the rest."""
    with pytest.raises(ValueError, match="nonnegative"):
        abreast(math.isqrt, [4, -1, 9])
