"""The simulated brokerage and chats: pages, batches, tokens, throttles, and two kinds of 429."""

import json

import pytest

from perf.lab.providers.provider import Grade, Outcome, Request, Terms, split_target
from perf.lab.providers.server import load

QUESTION = {"model": "grok-4", "messages": [{"role": "user", "content": "Is it safe?"}]}


class Broker:
    """Ask the brokerage, with a minute of its clock between two calls."""

    def __init__(self):
        self.provider = load("robinhood")(Terms(base="http://127.0.0.1:9/robinhood"))
        self.now = self.provider.terms.started
        self.token = self.provider.key(Grade.FULL)

    def reply(self, target, method="GET", body=b""):
        """Return the reply to a request; an absolute URL of the provider's own will do."""
        self.now += 61
        below = target.removeprefix(self.provider.terms.base)
        _, path, query = split_target(f"/x{below}")
        headers = {"authorization": f"Bearer {self.token}"}
        return self.provider.answer(Request(method, path, query, headers, body), self.now)

    def json(self, target):
        """Return the JSON of an answer that must be a good one."""
        reply = self.reply(target)
        assert (reply.status, reply.outcome) == (200, Outcome.OK), reply.body
        return json.loads(reply.body)


@pytest.fixture
def broker():
    """Robinhood with the full key."""
    return Broker()


def test_a_portfolio_has_45_positions(broker):
    """25 stocks with `nonzero`, more without, and 20 options; numbers are strings."""
    stocks = broker.json("/positions/?nonzero=true")["results"]
    assert len(stocks) == 25
    assert len(broker.json("/positions/")["results"]) == 30
    options = broker.json("/options/positions/?nonzero=True")["results"]
    assert len(options) == 20
    assert {row["type"] for row in options} == {"long", "short"}
    assert isinstance(stocks[0]["quantity"], str)
    assert "symbol" not in stocks[0]


def test_every_contract_can_be_read_one_by_one_or_in_a_batch(broker):
    """Two calls a contract as old clients do, or one for all: the same figures."""
    options = broker.json("/options/positions/?nonzero=True")["results"]
    one_by_one = []
    for row in options:
        assert broker.json(row["option"])["chain_symbol"] == row["chain_symbol"]
        one_by_one.append(broker.json(f"/marketdata/options/{row['option_id']}/"))
    ids = ",".join(row["option_id"] for row in options)
    batch = broker.json(f"/marketdata/options/?ids={ids}")["results"]
    assert batch == one_by_one
    urls = ",".join(row["option"] for row in options[:17])
    assert broker.json(f"/marketdata/options/?instruments={urls}")["results"] == batch[:17]


def test_marks_are_strings_and_greeks_may_be_null(broker):
    """Six decimals, the OCC symbol padded to six letters."""
    rows = broker.json("/options/instruments/?chain_symbol=AAPL&type=put")["results"]
    ids = ",".join(row["id"] for row in rows[:40])
    marks = broker.json(f"/marketdata/options/?ids={ids}")["results"]
    assert len(marks) == 40
    assert None in [mark["delta"] for mark in marks]
    assert marks[0]["occ_symbol"].startswith("AAPL  2")
    assert len(marks[0]["adjusted_mark_price"].partition(".")[2]) == 6


def test_batches_answer_null_in_place_of_a_stranger(broker):
    """Quotes, fundamentals and marks keep the order of the question."""
    quotes = broker.json("/quotes/?symbols=AAPL,NOPE,MSFT")["results"]
    assert [row and row["symbol"] for row in quotes] == ["AAPL", None, "MSFT"]
    assert broker.json("/fundamentals/?symbols=NOPE,AAPL")["results"][0] is None
    known = broker.json("/options/positions/")["results"][0]["option_id"]
    marks = broker.json(f"/marketdata/options/?ids=nope,{known}")["results"]
    assert [mark and mark["instrument_id"] for mark in marks] == [None, known]


def test_batches_have_a_most(broker):
    """Above it they are refused as malformed."""
    symbols = ",".join(f"S{n}" for n in range(101))
    assert broker.reply(f"/fundamentals/?symbols={symbols}").status == 400
    assert broker.reply(f"/marketdata/options/?ids={symbols}").status == 400


def test_lists_come_in_pages_of_a_hundred(broker):
    """`next` is an absolute URL below the provider's own, and null at the end."""
    told, pages = broker.json("/options/instruments/?chain_symbol=AAPL&state=active"), []
    while told["next"]:
        assert told["next"].startswith("http://127.0.0.1:9/robinhood/options/instruments/")
        assert len(told["results"]) == 100
        pages += told["results"]
        told = broker.json(told["next"])
    pages += told["results"]
    assert len(pages) == len({row["id"] for row in pages}) == 320


def test_positions_lead_to_their_symbols(broker):
    """By the URL of each instrument, or by ids in one call."""
    stocks = broker.json("/positions/?nonzero=true")["results"]
    one = broker.json(stocks[0]["instrument"])
    ids = ",".join(row["instrument_id"] for row in stocks)
    rows = broker.json(f"/instruments/?ids={ids}")["results"]
    assert rows[0] == one
    assert (
        broker.json(f"/quotes/?symbols={one['symbol']}")["results"][0]["instrument"] == one["url"]
    )


def test_a_portfolio_is_worth_its_stocks(broker):
    """The market value is the sum of quantity x price."""
    stocks = broker.json("/positions/?nonzero=true")["results"]
    symbols = [broker.json(row["instrument"])["symbol"] for row in stocks]
    quotes = broker.json(f"/quotes/?symbols={','.join(symbols)}")["results"]
    pairs = zip(stocks, quotes, strict=True)
    worth = sum(float(row["quantity"]) * float(quote["last_trade_price"]) for row, quote in pairs)
    number = broker.json("/accounts/")["results"][0]["account_number"]
    assert float(broker.json(f"/portfolios/{number}/")["market_value"]) == pytest.approx(worth)


def test_a_throttle_says_for_how_long(broker):
    """429 with the seconds in its sentence, in real time; then a call passes."""
    request = Request("GET", "/accounts/", {}, {"authorization": f"Bearer {broker.token}"})
    replies = [broker.provider.answer(request, 1e9) for _ in range(31)]
    assert [reply.status for reply in replies] == [200] * 30 + [429]
    text = "Request was throttled. Expected available in 1 seconds."
    assert json.loads(replies[-1].body) == {"detail": text}
    assert broker.provider.answer(request, 1e9 + 1).status == 200


def test_tokens_are_issued_refreshed_and_expired(broker):
    """A password of a known device and a refresh token are good for one; expired ones are 401."""
    form = b"grant_type=password&username=sim@lab.example&password=correct-horse&device_token=d"
    issued = json.loads(broker.reply("/oauth2/token/", "POST", form).body)
    broker.token = issued["access_token"]
    assert broker.reply("/accounts/").status == 200
    broker.provider.expire()
    assert broker.reply("/accounts/").status == 401
    form = f"grant_type=refresh_token&refresh_token={issued['refresh_token']}".encode()
    broker.token = json.loads(broker.reply("/oauth2/token/", "POST", form).body)["access_token"]
    assert broker.reply("/accounts/").status == 200


@pytest.mark.parametrize(
    ("form", "status", "word"),
    [
        (b"grant_type=password&username=x&password=y&device_token=d", 400, "detail"),
        (
            b"grant_type=password&username=sim@lab.example&password=correct-horse",
            403,
            "verification_workflow",
        ),
    ],
)
def test_a_login_may_fail_or_ask_for_proof(broker, form, status, word):
    """A wrong password is a detail, an unknown device a workflow."""
    reply = broker.reply("/oauth2/token/", "POST", form)
    assert (reply.status, list(json.loads(reply.body))) == (status, [word])


# Chats


def chat(provider, body, key=None, now=1e9):
    """POST a chat."""
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return provider.answer(Request("POST", "/chat/completions", {}, headers, sent), now)


@pytest.fixture
def xai():
    """xAI."""
    return load("xai")(Terms())


@pytest.fixture
def sonar():
    """Perplexity."""
    return load("perplexity")(Terms())


def test_xai_counts_reasoning_in_the_total(xai):
    """The answer has the form of OpenAI's; its total exceeds prompt and completion."""
    told = json.loads(chat(xai, QUESTION, xai.key(Grade.FULL)).body)
    usage = told["usage"]
    assert told["object"] == "chat.completion"
    assert told["choices"][0]["message"]["role"] == "assistant"
    assert usage["total_tokens"] > usage["prompt_tokens"] + usage["completion_tokens"]


def test_xai_streams_events_to_done(xai):
    """The pieces together are the whole answer's text."""
    key = xai.key(Grade.FULL)
    whole = json.loads(chat(xai, QUESTION, key).body)["choices"][0]["message"]["content"]
    reply = chat(xai, {**QUESTION, "stream": True}, key)
    assert reply.content_type == "text/event-stream"
    *events, last, rest = reply.body.decode().split("\n\n")
    assert (last, rest) == ("data: [DONE]", "")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert text == whole


@pytest.mark.parametrize(
    ("key", "status"),
    [(None, 401), ("wrong", 400), ("xai-sim-gone-77e277e277e2", 403)],
)
def test_xai_tells_keys_apart_by_status(xai, key, status):
    """None, wrong and blocked; errors are flat."""
    reply = chat(xai, QUESTION, key)
    assert reply.status == status
    assert set(json.loads(reply.body)) == {"code", "error"}


def test_xai_has_one_429_for_two_troubles(xai):
    """Too fast and out of credits differ in the sentence only."""
    key = xai.key(Grade.FULL)
    fast = [chat(xai, QUESTION, key) for _ in range(9)][-1]
    xai.credits.limit = 0
    spent = chat(xai, QUESTION, key, now=2e9)
    assert fast.status == spent.status == 429
    assert json.loads(fast.body)["code"] == json.loads(spent.body)["code"]
    assert "rate limit" in json.loads(fast.body)["error"]
    assert "credits" in json.loads(spent.body)["error"]


def test_sonar_answers_with_sources(sonar):
    """Citations, search results and a cost; errors are nested."""
    key = sonar.key(Grade.FULL)
    told = json.loads(chat(sonar, {**QUESTION, "model": "sonar"}, key).body)
    assert told["citations"] == [row["url"] for row in told["search_results"]]
    assert told["usage"]["cost"]["total_cost"] > 0
    error = json.loads(chat(sonar, QUESTION, key).body)["error"]
    assert set(error) == {"message", "type", "code"}


def test_sonar_leaks_fifty_a_minute(sonar):
    """50 pass at once, the next after 1.2 s; deep research has a bucket of five."""
    key = sonar.key(Grade.FULL)
    question = {**QUESTION, "model": "sonar"}
    replies = [chat(sonar, question, key) for _ in range(51)]
    assert [reply.status for reply in replies] == [200] * 50 + [429]
    assert dict(replies[-1].headers)["Retry-After"] == "2"
    assert chat(sonar, question, key, now=1e9 + 1.2).status == 200
    deep = {**QUESTION, "model": "sonar-deep-research"}
    assert [chat(sonar, deep, key).status for _ in range(6)] == [200] * 5 + [429]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"model":"grok-4"}', b'{"messages":[]}'])
def test_what_is_no_chat_is_refused(xai, sonar, body):
    """With each provider's own status."""
    assert chat(xai, body, xai.key(Grade.FULL)).status == 422
    assert chat(sonar, body, sonar.key(Grade.FULL)).status == 400
