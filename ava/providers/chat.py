"""xAI and Perplexity Sonar: a question in words, an answer in words, and what it cost.

Both speak the same dialect and refuse in different ones. A 429 of xAI may mean "too fast" or "the
credits are spent"; the second is never worth repeating, and only the text tells them apart. Asking
again costs again and changes nothing, so failures that pass are retried like any other. Answers are
not cached here: who asks knows how long one stays true.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict, Unpack

import msgspec
from msgspec import Struct, field

from ava.errors import (
    AuthenticationError,
    ProviderError,
    QuotaExhaustedError,
)
from ava.net.client import Client, Request
from ava.net.spec import Answer, Limit, Priority, ProviderSpec, Rate, Timeouts, Window
from ava.providers import parse
from ava.section import Secret

XAI, SONAR = "xai", "perplexity"

# 003.4: one a second, five at once.
SIGNALS = Rate(1.0, burst=5)
# Perplexity's lowest tier takes 50 a minute, which one a second exceeds; both hold side by side.
SONAR_TIER_0 = Window(50, 60.0)

# A model that thinks or searches writes for longer than a table of prices takes.
_TIMEOUTS = Timeouts(read_s=120.0, total_s=180.0)
_SPENT = ("credit", "spending limit", "quota", "billing")
_TICKS_A_DOLLAR = 1e10


class Message(Struct, frozen=True):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Source(Struct, frozen=True):
    """A page that an answer rests on."""

    url: str
    title: str | None = None
    date: str | None = None


class Completion(Struct, frozen=True, kw_only=True):
    """An answer; `total_tokens` can exceed the sum of the others by what the model only thought."""

    text: str
    model: str
    finish_reason: str | None = None
    at: datetime | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    cost_usd: float | None = None
    sources: tuple[Source, ...] = ()


class Asking(TypedDict, total=False):
    """What may be said about a question besides its words."""

    max_tokens: int
    temperature: float
    search_recency_filter: Literal["hour", "day", "week", "month", "year"]
    search_domain_filter: list[str]


class _XaiRefusal(Struct):
    error: str
    code: str | None = None


def xai_complaint(answer: Answer) -> ProviderError | None:
    """Find a wrong key, which xAI reports as 400, and spent credits, which it reports as 429."""
    said = parse.refusal(answer, _XaiRefusal)
    if said is None:
        return None
    low = f"{said.code} {said.error}".lower()
    if answer.status == 403 or (answer.status == 400 and "api key" in low):  # noqa: PLR2004 - HTTP
        return _locked_out(XAI, said.error, answer.status)
    return _spent(XAI, said.error, answer.status) if _is_spent(low, answer.status) else None


class _SonarError(Struct):
    message: str
    type: str | None = None
    code: str | int | None = None


class _SonarRefusal(Struct):
    error: _SonarError


def sonar_complaint(answer: Answer) -> ProviderError | None:
    """Find spent credits, which Perplexity may report as 401 or 429."""
    said = parse.refusal(answer, _SonarRefusal)
    if said is None:
        return None
    low = f"{said.error.type} {said.error.message}".lower()
    return (
        _spent(SONAR, said.error.message, answer.status) if _is_spent(low, answer.status) else None
    )


def _is_spent(low: str, status: int) -> bool:
    return status in {401, 402, 403, 429} and any(word in low for word in _SPENT)


def _spent(provider: str, text: str, status: int) -> ProviderError:
    return QuotaExhaustedError(
        f"the credits at {provider} are spent: {parse.excerpt(text)}",
        provider=provider,
        status=status,
    )


def _locked_out(provider: str, text: str, status: int) -> ProviderError:
    return AuthenticationError(
        f"{provider} refuses the key: {parse.excerpt(text)}", provider=provider, status=status
    )


def authorise(key: Secret | None) -> tuple[dict[str, str], dict[str, str]]:
    """Put the key into the Authorization header."""
    return {}, ({} if key is None else {"Authorization": f"Bearer {key.reveal()}"})


def xai_spec(*limits: Limit) -> ProviderSpec:
    """Return xAI with the signal system's pace, or with `limits` of a higher tier."""
    return ProviderSpec(
        name=XAI,
        base_url="https://api.x.ai/v1",
        limits=limits or (SIGNALS,),
        timeouts=_TIMEOUTS,
        authorise=authorise,
        complaint=xai_complaint,
    )


def sonar_spec(*limits: Limit) -> ProviderSpec:
    """Return Perplexity at the lowest tier and the signal system's pace, or with `limits`."""
    return ProviderSpec(
        name=SONAR,
        base_url="https://api.perplexity.ai",
        limits=limits or (SIGNALS, SONAR_TIER_0),
        timeouts=_TIMEOUTS,
        authorise=authorise,
        complaint=sonar_complaint,
    )


XAI_SPEC, SONAR_SPEC = xai_spec(), sonar_spec()


class Chat:
    """Typed questions to a model, at xAI or Perplexity."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def complete(
        self,
        messages: Sequence[Message] | str,
        *,
        model: str,
        priority: Priority = Priority.INTERACTIVE,
        deadline_s: float | None = None,
        **asking: Unpack[Asking],
    ) -> Completion:
        """Return the model's answer to a conversation, or to one question given as text."""
        turns = [Message("user", messages)] if isinstance(messages, str) else list(messages)
        body: dict[str, Any] = {"model": model, "messages": turns, "stream": False, **asking}
        request = Request(
            "/chat/completions",
            method="POST",
            body=msgspec.json.encode(body),
            headers={"content-type": "application/json"},
        )
        return await self._client.fetch(
            request, read_completion, priority=priority, deadline_s=deadline_s
        )


class _Turn(Struct):
    content: str | None = None


class _Choice(Struct):
    message: _Turn
    finish_reason: str | None = None


class _Cost(Struct):
    total_cost: float | None = None


class _Usage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    ticks: int | None = field(name="cost_in_usd_ticks", default=None)
    cost: _Cost | None = None


class _SearchResult(Struct):
    url: str
    title: str | None = None
    date: str | None = None


class _Answer(Struct):
    choices: list[_Choice]
    model: str
    created: int | None = None
    usage: _Usage = field(default_factory=_Usage)
    citations: list[str] | None = None
    search_results: list[_SearchResult] | None = None


def read_completion(answer: Answer) -> Completion:
    """Read an answer of either; raise ValueError for one without words."""
    raw = parse.read_json(answer, _Answer)
    if not raw.choices:
        raise ValueError("the answer has no choices")
    choice, usage = raw.choices[0], raw.usage
    return Completion(
        text=parse.required(choice.message.content, "content"),
        model=raw.model,
        finish_reason=choice.finish_reason,
        at=parse.moment(raw.created),
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cost_usd=_cost(usage),
        sources=_sources(raw),
    )


def _cost(usage: _Usage) -> float | None:
    if usage.cost is not None:
        return usage.cost.total_cost
    return None if usage.ticks is None else usage.ticks / _TICKS_A_DOLLAR


def _sources(raw: _Answer) -> tuple[Source, ...]:
    """Return the pages searched, with titles where they are sent, else the bare citations."""
    if raw.search_results:
        return tuple(Source(one.url, one.title, one.date) for one in raw.search_results)
    return tuple(Source(url) for url in raw.citations or ())
