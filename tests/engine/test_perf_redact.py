"""Secrets leave no trace in texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.redact import redact


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://ava:s3cret@db:5432/x",
        "redis://:s3cret@127.0.0.1:6379/0",
        "host=db password=s3cret dbname=x",
        "host=db password='s3cret word' dbname=x",
        'api_key: "s3cret"',
        "https://x/query?apikey=s3cret&function=Y",
        "finnhub_token=s3cret",
        "Authorization: Bearer s3cret.s3cret.s3cret",
    ],
)
def test_the_secret_is_gone(text):
    """Whatever the form it comes in."""
    assert "s3cret" not in redact(text)


def test_the_rest_stays_readable():
    """Host and database are what the reader needs."""
    assert redact("postgresql://ava:pw@db:5432/x") == "postgresql://ava:***@db:5432/x"


@given(st.from_regex(r"[A-Za-z0-9]{8,20}", fullmatch=True))
def test_any_password_in_a_url_is_gone(password):
    """Not only those that look like one."""
    assert f":{password}@" not in redact(f"could not connect to postgresql://u:{password}@h/d now")


def test_plain_text_is_left_alone():
    """Nothing is redacted that is no secret."""
    text = "relation trades does not exist: SELECT 1 -- http://x/y"
    assert redact(text) == text
