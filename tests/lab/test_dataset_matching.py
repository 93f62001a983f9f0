"""The batch confuses no way of matching; each doubtful case confuses the documents'."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.lab.dataset import doubtful_odds, odds_batch
from perf.lab.dataset.odds import implied_probability
from perf.lab.dataset.teams import COLLEGES, NBA, NFL


def by_last_word(odds, games):
    """Match as the documents do: each team's last word anywhere in the stored name."""
    home, away = (name.split()[-1].lower() for name in (odds.home_team, odds.away_team))
    return frozenset(
        game.game_id
        for game in games
        if home in game.home_team.lower() and away in game.away_team.lower()
    )


def by_identity(odds, games):
    """Match by the whole names, within half a day of the start."""
    return frozenset(
        game.game_id
        for game in games
        if (game.home_team, game.away_team) == (odds.home_team, odds.away_team)
        and abs(game.game_time - odds.commence_time) <= timedelta(hours=12)
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 512), st.integers(0, 2**32))
def test_a_batch_matches_the_same_either_way(n, seed):
    """For every game of a batch, last words and identity find that game and no other."""
    offers = odds_batch(n, seed=seed)
    games = [offer.game for offer in offers]
    assert len(offers) == n
    for offer in offers[:: max(1, n // 40)]:
        expected = frozenset([offer.game.game_id])
        assert by_last_word(offer.odds, games) == by_identity(offer.odds, games) == expected


def test_no_last_word_of_the_largest_batch_is_part_of_another_name():
    """Even one team's last word alone finds that team only."""
    teams = [
        team
        for offer in odds_batch(512, seed=1)
        for team in (offer.game.home_team, offer.game.away_team)
    ]
    joined = "\n".join(teams).lower()
    assert len(set(teams)) == 1024
    assert all(joined.count(team.split()[-1].lower()) == 1 for team in teams)


def test_a_batch_is_repeatable():
    """The same seed gives the same games and odds."""
    assert odds_batch(20, seed=3) == odds_batch(20, seed=3)
    assert odds_batch(20, seed=3) != odds_batch(20, seed=4)


@pytest.mark.parametrize("n", [-1, 513])
def test_a_batch_too_large_for_distinct_names_is_refused(n):
    """Beyond the names there are, the promise could not be kept."""
    with pytest.raises(ValueError, match="0 to 512 games"):
        odds_batch(n, seed=1)


def test_the_odds_of_a_batch_are_odds():
    """Both sides imply a margin between nothing and fifteen percent."""
    for offer in odds_batch(512, seed=2):
        sides = [offer.odds.moneyline_home, offer.odds.moneyline_away]
        assert 1 < implied_probability(sides).sum() < 1.15


@pytest.mark.parametrize("case", doubtful_odds(), ids=lambda case: case.why)
def test_last_words_mislead_in_every_doubtful_case(case):
    """Matching by last word updates what it should not, matching by identity only what is meant."""
    meant = frozenset() if case.meant is None else frozenset([case.meant])
    assert by_last_word(case.odds, case.games) == case.by_last_word
    assert case.by_last_word - meant
    assert by_identity(case.odds, case.games) == meant


def test_team_lists_hold_each_team_once():
    """32, 30 and 64 teams, none of them twice."""
    assert [len(set(teams)) for teams in (NFL, NBA, COLLEGES)] == [32, 30, 64]


def test_the_colleges_clash():
    """The nicknames that make last words ambiguous are there."""
    last_words = [team.split()[-1] for team in COLLEGES]
    assert last_words.count("Tigers") == 6
    assert last_words.count("Bulldogs") == 6
    assert last_words.count("Wildcats") == 5
    assert sum(team.startswith("Miami") for team in COLLEGES) == 2
