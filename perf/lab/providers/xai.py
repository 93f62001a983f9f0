"""xAI: chats, 8 a second, and one 429 for two troubles that only their text tells apart.

A wrong key is 400, a missing one 401, a blocked one 403. Errors are flat: a code and a sentence.
`total_tokens` exceeds prompt and completion, since reasoning is counted there. The credits are
plenty unless a simulation sets them. Limits on tokens a minute are not simulated.
"""

from __future__ import annotations

from typing import Any, ClassVar

from perf.lab.providers.chat import BadQuestion, Question, Said, read, say, stream
from perf.lab.providers.limits import Credits, Gauge, Window
from perf.lab.providers.provider import (
    Grade,
    Provider,
    Refusal,
    Reply,
    Request,
    bearer,
    limited,
    refused,
    route,
)

_PLENTY = 1_000_000
_REASONING = 10
_MODELS = ("grok-4", "grok-4-fast", "grok-3", "grok-3-mini", "grok-x")


class XAi(Provider):
    """The OpenAI-like face; its paths lie under /v1 at the real one."""

    name = "xai"
    keys: ClassVar = {
        "xai-sim-full-4d1c4d1c4d1c": Grade.FULL,
        "xai-sim-free-90ab90ab90ab": Grade.FREE,
        "xai-sim-gone-77e277e277e2": Grade.BLOCKED,
    }

    def limits(self) -> list[Gauge]:
        """Return 8 a second, which is 480 a minute."""
        return [Window(8, 1.0)]

    def allowance(self) -> Credits:
        """Return more than a simulation spends; one credit a chat."""
        return Credits(_PLENTY, "month")

    def grade(self, request: Request) -> Grade:
        """Take the key from the Authorization header."""
        key = bearer(request)
        if not key:
            raise Refusal(_error(401, "unauthenticated", "No API key was provided."))
        grade = self.keys.get(key)
        if grade is None:
            text = f"Incorrect API key provided: {key[:2]}***{key[-2:]}."
            raise Refusal(_error(400, "invalid-argument", text))
        if grade is Grade.BLOCKED:
            raise Refusal(_error(403, "permission-denied", "The API key is blocked."))
        return grade

    def too_fast(self, _wait_s: float, _request: Request) -> Reply:
        """Answer 429 with a sentence about speed."""
        text = "Too many requests: the rate limit of the model in requests per second was exceeded."
        return limited(429, {"code": "resource-exhausted", "error": text})

    def spent(self, _request: Request) -> Reply:
        """Answer 429 with a sentence about credits."""
        text = (
            "Your team has either used all available credits or reached its monthly spending "
            "limit. To continue making API requests, please purchase more credits."
        )
        return limited(429, {"code": "resource-exhausted", "error": text})

    def unknown(self, request: Request) -> Reply:
        """Answer 404 in the flat form."""
        return _error(404, "not-found", f"no such path: {request.path}")

    @route("/chat/completions", method="POST")
    def chat(self, request: Request, now: float) -> Any:
        """Answer a chat."""
        try:
            question = read(request)
        except BadQuestion as error:
            raise Refusal(_error(422, "invalid-argument", str(error))) from error
        if question.model not in _MODELS:
            text = f"The model {question.model} does not exist or your team has no access to it."
            raise Refusal(_error(404, "not-found", text))
        said = say(question)
        if question.stream:
            return stream(_chunks(question, said, now))
        message = {"role": "assistant", "content": said.text, "refusal": None}
        return {
            "id": said.id,
            "object": "chat.completion",
            "created": int(now),
            "model": question.model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": _usage(said),
            "system_fingerprint": "fp_sim",
        }

    @route("/models", free=True)
    def models(self, _request: Request, _now: float) -> Any:
        """List the models."""
        rows = [
            {"id": model, "created": 1_743_724_800, "object": "model", "owned_by": "xai"}
            for model in _MODELS
        ]
        return {"data": rows, "object": "list"}


def _chunks(question: Question, said: Said, now: float) -> list[dict[str, Any]]:
    base = {
        "id": said.id,
        "object": "chat.completion.chunk",
        "created": int(now),
        "model": question.model,
    }
    words = said.text.split(" ")
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": word if not place else f" {word}"}
        for place, word in enumerate(words)
    ]
    chunks = [base | {"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return [*chunks, base | {"choices": [last], "usage": _usage(said)}]


def _usage(said: Said) -> dict[str, Any]:
    total = said.asked + said.answered + _REASONING
    return {
        "prompt_tokens": said.asked,
        "completion_tokens": said.answered,
        "total_tokens": total,
        "prompt_tokens_details": {"cached_tokens": said.asked // 8},
        "completion_tokens_details": {"reasoning_tokens": _REASONING},
        "num_sources_used": 0,
        "cost_in_usd_ticks": total * 3_000,
    }


def _error(status: int, code: str, text: str) -> Reply:
    return refused(status, {"code": code, "error": text})
