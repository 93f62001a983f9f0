"""xAI and Perplexity: answers read, and both asked on a virtual clock."""

import json

import httpx
import msgspec
import pytest

from ava.clock import ManualClock
from ava.errors import AuthenticationError, NotFoundError
from ava.net.client import Client
from ava.net.spec import Answer
from ava.providers import chat
from ava.section import Secret
from perf.claims.providers.virtual import Virtual
from perf.lab.providers import Grade

pytestmark = pytest.mark.anyio

XAI = {
    "id": "x",
    "object": "chat.completion",
    "created": 1767646800,
    "model": "grok-x",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
    ],
    "usage": {
        "prompt_tokens": 26,
        "completion_tokens": 16,
        "total_tokens": 52,
        "completion_tokens_details": {"reasoning_tokens": 10},
        "cost_in_usd_ticks": 150500,
    },
}
SONAR = {
    **XAI,
    "model": "sonar",
    "citations": ["https://e.x/a"],
    "search_results": [{"title": "T", "url": "https://e.x/a", "date": "2026-01-05", "snippet": ""}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29,
              "cost": {"total_cost": 0.005}},
}  # fmt: skip


def said(body):
    return Answer(200, {}, json.dumps(body).encode())


def test_an_answer_of_xai_is_read():
    """The total exceeds the parts by what was only thought; ticks are 1e-10 dollars."""
    found = chat.read_completion(said(XAI))
    assert (found.text, found.finish_reason, found.sources) == ("Yes.", "stop", ())
    assert (found.prompt_tokens, found.completion_tokens, found.total_tokens) == (26, 16, 52)
    assert found.cost_usd == pytest.approx(0.00001505)


def test_an_answer_of_sonar_has_sources():
    """With their titles where they are sent, else the bare addresses."""
    found = chat.read_completion(said(SONAR))
    assert found.sources == (chat.Source("https://e.x/a", "T", "2026-01-05"),)
    assert found.cost_usd == 0.005
    bare = {**SONAR, "search_results": None}
    assert chat.read_completion(said(bare)).sources == (chat.Source("https://e.x/a"),)


def test_what_is_not_said_is_unknown():
    """An answer without a bill costs None, not 0."""
    found = chat.read_completion(said({**XAI, "usage": {}, "created": 0}))
    assert (found.cost_usd, found.total_tokens, found.at) == (None, None, None)


@pytest.mark.parametrize("choices", [[], [{"message": {"content": None}}]])
def test_an_answer_without_words_is_bad_data(choices):
    """It is not an empty answer."""
    with pytest.raises(ValueError, match="has no"):
        chat.read_completion(said({**XAI, "choices": choices}))


def test_another_shape_is_bad_data():
    """What the format does not promise is not guessed at."""
    with pytest.raises(msgspec.ValidationError):
        chat.read_completion(said({"choices": {}}))


def test_limits_of_a_higher_tier_replace_the_lowest():
    """And without any, the document's pace holds beside the lowest tier."""
    assert chat.SONAR_SPEC.limits == (chat.SIGNALS, chat.SONAR_TIER_0)
    assert chat.sonar_spec(chat.SIGNALS).limits == (chat.SIGNALS,)
    assert chat.XAI_SPEC.limits == (chat.SIGNALS,)


async def test_a_question_is_sent_as_documented():
    """Text becomes one turn, and only what was said is sent."""
    sent = []

    async def answer(request):
        sent.append((request.method, request.url.path, json.loads(request.content)))
        assert request.headers["authorization"] == "Bearer k"
        return httpx.Response(200, json=XAI)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    model = chat.Chat(Client(chat.XAI_SPEC, http, key=Secret("k"), clock=ManualClock(jump=True)))
    await model.complete("Buy?", model="grok-x", max_tokens=5)
    (one,) = sent
    assert one[:2] == ("POST", "/v1/chat/completions")
    assert one[2] == {
        "model": "grok-x",
        "messages": [{"role": "user", "content": "Buy?"}],
        "stream": False,
        "max_tokens": 5,
    }


@pytest.mark.parametrize(
    ("name", "spec", "model"),
    [("xai", chat.XAI_SPEC, "grok-4"), ("perplexity", chat.SONAR_SPEC, "sonar")],
)
async def test_both_providers_are_understood(name, spec, model):
    """The simulated providers answer in words, with a bill; an unknown model is not found."""
    desk = Virtual(name)
    found = await chat.Chat(desk.client(spec)).complete(
        [chat.Message("system", "Be brief."), chat.Message("user", "Buy?")], model=model
    )
    assert found.text
    assert found.model == model
    assert found.cost_usd > 0


@pytest.mark.parametrize(
    ("name", "spec", "model"),
    [("xai", chat.XAI_SPEC, "grok-4"), ("perplexity", chat.SONAR_SPEC, "sonar")],
)
async def test_a_blocked_key_is_told_as_such(name, spec, model):
    """Each in its own words and status."""
    desk = Virtual(name)
    client = desk.client(spec)
    client.use_key(Secret(desk.provider.key(Grade.BLOCKED)))
    with pytest.raises(AuthenticationError):
        await chat.Chat(client).complete("Buy?", model=model)


async def test_an_unknown_model_is_not_found():
    """At xAI it is a 404."""
    desk = Virtual("xai")
    with pytest.raises(NotFoundError):
        await chat.Chat(desk.client(chat.XAI_SPEC)).complete("Buy?", model="no-such-model")
