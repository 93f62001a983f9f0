"""How the market-data providers say no, and which error each of their ways stands for."""

import json

import pytest

from ava.errors import (
    AuthenticationError,
    BadDataError,
    NotFoundError,
    PlanError,
    ProviderError,
    QuotaExhaustedError,
    RateLimitedError,
)
from ava.net.spec import Answer
from ava.providers import alpha_vantage, chat, finnhub, massive, yahoo

KEY = "ABCDEF1234567890"
BURST = (
    "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more"
    " sparingly (1 request per second). You may subscribe to any of the premium plans at"
    " https://www.alphavantage.co/premium/ to lift the free key rate limit (25 requests per day),"
    " raise the per-second burst limit, and instantly unlock all premium endpoints"
)
DAILY = (
    f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests per"
    " day. Please subscribe to any of the premium plans at https://www.alphavantage.co/premium/"
)
OLD_NOTE = (
    "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and"
    " 500 calls per day."
)


def said(status, body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {}, raw)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"Information": BURST}, RateLimitedError),
        ({"Information": "Burst pattern detected."}, RateLimitedError),
        ({"Note": OLD_NOTE}, RateLimitedError),
        ({"Information": DAILY}, QuotaExhaustedError),
        ({"Note": "You have reached the 25 requests per day"}, QuotaExhaustedError),
        ({"Information": "This is a premium endpoint."}, PlanError),
        ({"Information": "outputsize=full is a premium feature"}, PlanError),
        ({"Information": "The **demo** API key is for demo purposes only."}, AuthenticationError),
        ({"Error Message": "Invalid API call. Please retry"}, NotFoundError),
        (
            {"Error Message": "the parameter apikey is invalid or missing. Please claim"},
            AuthenticationError,
        ),
        ({"Information": "Something new."}, ProviderError),
    ],
)
def test_alpha_vantage_refuses_in_words(body, kind):
    """Every refusal is HTTP 200 and is told by its words, the burst before the day."""
    error = alpha_vantage.complaint(said(200, body))
    assert type(error) is kind
    assert error.provider == "alpha_vantage"
    assert error.status == 200


def test_a_burst_says_how_long_to_wait():
    """The limiter pauses as long as the limit takes to pass, not for a minute."""
    assert 1 <= alpha_vantage.complaint(said(200, {"Information": BURST})).retry_after_s < 2
    assert alpha_vantage.complaint(said(200, {"Note": OLD_NOTE})).retry_after_s == 60


@pytest.mark.parametrize("text", [DAILY, f"Something new about your API key {KEY}."])
def test_alpha_vantage_repeats_no_key(text):
    """The provider echoes the key; its error does not."""
    assert KEY not in str(alpha_vantage.complaint(said(200, {"Information": text})))


@pytest.mark.parametrize(
    "body", [{"Global Quote": {}}, {}, {"Meta Data": {}}, b"symbol,name\r\n", b"", b"[]"]
)
def test_alpha_vantage_data_is_no_refusal(body):
    """What is merely empty is for the reader of the function to judge."""
    assert alpha_vantage.complaint(said(200, body)) is None


def test_finnhub_refuses_a_plan():
    """403 is the plan, not the key."""
    error = finnhub.complaint(said(403, {"error": "You don't have access to this resource."}))
    assert type(error) is PlanError
    assert "access" in str(error)
    assert type(finnhub.complaint(said(403, b"<html>"))) is PlanError


@pytest.mark.parametrize("status", [200, 401, 429, 500])
def test_finnhub_statuses_speak_for_themselves(status):
    """The client knows what the others mean."""
    assert finnhub.complaint(said(status, {"error": "API limit reached"})) is None


@pytest.mark.parametrize("status", [200, 429, 999])
@pytest.mark.parametrize("text", [b"Too Many Requests\r\n", b"Edge: Too Many Requests"])
def test_yahoo_refuses_in_plain_text(status, text):
    """The text counts, whatever the status."""
    assert type(yahoo.complaint(said(status, text))) is RateLimitedError


def test_yahoo_news_about_requests_is_no_refusal():
    """A long answer that holds the words is data."""
    assert yahoo.complaint(said(200, b'{"a":"' + b"x" * 300 + b'Too Many Requests"}')) is None


def test_a_cookie_comes_with_a_404():
    """The door's status says nothing; a 404 without a cookie is one."""
    answer = Answer(404, {"set-cookie": "A3=d=AQ&S=AQ; Expires=Tue; Domain=.yahoo.com"}, b"")
    assert yahoo.complaint(answer).cookie == "A3=d=AQ&S=AQ"
    assert yahoo.complaint(Answer(404, {}, b"")) is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            403,
            {"status": "NOT_AUTHORIZED", "request_id": "r", "message": "not entitled"},
            PlanError,
        ),
        (
            401,
            {"status": "ERROR", "request_id": "r", "error": "Unknown API Key"},
            AuthenticationError,
        ),
        (200, {"status": "ERROR", "request_id": "r", "error": "broken"}, BadDataError),
        (429, {"status": "ERROR", "request_id": "r", "error": "too many"}, None),
        (200, {"status": "OK", "results": []}, None),
        (200, {"status": "DELAYED", "results": []}, None),
        (200, [], None),
    ],
)
def test_massive_refusals(status, body, kind):
    """The plan, the key, and an error behind a 200; speed is told by its status."""
    error = massive.complaint(said(status, body))
    assert type(error) is (kind or type(None))


@pytest.mark.parametrize(
    ("status", "code", "text", "kind"),
    [
        (400, "invalid-argument", "Incorrect API key provided", AuthenticationError),
        (403, "blocked", "This key is blocked", AuthenticationError),
        (429, "x", "You have used all available credits", QuotaExhaustedError),
        (429, "x", "monthly spending limit reached", QuotaExhaustedError),
        (429, "x", "Too many requests for this model", None),
        (400, "invalid-argument", "messages must not be empty", None),
        (500, "x", "credit service down", None),
    ],
)
def test_xai_refusals(status, code, text, kind):
    """A wrong key is a 400, and of two kinds of 429 only one is worth repeating."""
    error = chat.xai_complaint(said(status, {"code": code, "error": text}))
    assert type(error) is (kind or type(None))


@pytest.mark.parametrize(
    ("status", "type_", "text", "kind"),
    [
        (429, "request_rate_limit_exceeded", "slow down", None),
        (429, "insufficient_quota", "You exceeded your current quota", QuotaExhaustedError),
        (401, "insufficient_quota", "check your plan and billing details", QuotaExhaustedError),
        (401, "invalid_api_key", "Invalid API key", None),
    ],
)
def test_sonar_refusals(status, type_, text, kind):
    """Spent credits hide behind two statuses."""
    body = {"error": {"message": text, "type": type_, "code": status}}
    assert type(chat.sonar_complaint(said(status, body))) is (kind or type(None))


@pytest.mark.parametrize("complaint", [chat.xai_complaint, chat.sonar_complaint])
def test_an_answer_is_no_refusal(complaint):
    """A completion that talks of credits is not refused."""
    body = {"choices": [{"message": {"content": "quota and credits"}}], "model": "m"}
    assert complaint(said(200, body)) is None
