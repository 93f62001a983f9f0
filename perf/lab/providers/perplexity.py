"""Perplexity Sonar: chats with sources, from a leaky bucket of 50 a minute.

The bucket starts full and refills evenly, so a client at one a second is refused after some
minutes: that is the published limit of the lowest tier. Deep research has five a minute of its own.
Errors are nested. A limit is told with Retry-After, which its own client honours.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from perf.lab.providers.chat import BadQuestion, read, say, stream
from perf.lab.providers.limits import Bucket, Gauge
from perf.lab.providers.provider import (
    Grade,
    Provider,
    Refusal,
    Reply,
    Request,
    Terms,
    bearer,
    limited,
    refused,
    route,
)

_DEEP = "sonar-deep-research"
_MODELS = ("sonar", "sonar-pro", "sonar-reasoning-pro", _DEEP)


class Perplexity(Provider):
    """The one path of api.perplexity.ai."""

    name = "perplexity"
    keys: ClassVar = {
        "pplx-sim-full-4d1c4d1c4d1c": Grade.FULL,
        "pplx-sim-gone-77e277e277e2": Grade.BLOCKED,
    }

    def __init__(self, terms: Terms) -> None:
        self._usual, self._deep = Bucket(50 / 60, 50), Bucket(5 / 60, 5)
        super().__init__(terms)

    def limits(self) -> list[Gauge]:
        """Return 50 a minute, and five for deep research."""
        return [self._usual, self._deep]

    def limited_by(self, request: Request, _grade: Grade) -> list[Gauge]:
        """Return the model's limit, or all where they were replaced."""
        own = self._deep if _DEEP.encode() in request.body else self._usual
        return [own] if own in self.gauges else self.gauges

    def grade(self, request: Request) -> Grade:
        """Take the key from the Authorization header."""
        grade = self.keys.get(bearer(request), Grade.BLOCKED)
        if grade is Grade.BLOCKED:
            text = "Invalid API key provided. You can obtain one in your account settings."
            raise Refusal(_error(401, "invalid_api_key", text))
        return grade

    def too_fast(self, wait_s: float, _request: Request) -> Reply:
        """Answer 429 with the seconds to wait."""
        text = "Request rate limit exceeded, please try again later."
        again = (("Retry-After", str(math.ceil(wait_s))), ("X-Should-Retry", "true"))
        return limited(429, _nested(429, "request_rate_limit_exceeded", text), headers=again)

    def unknown(self, request: Request) -> Reply:
        """Answer 404 in the nested form."""
        return _error(404, "not_found", f"no such path: {request.path}")

    @route("/chat/completions", method="POST")
    def chat(self, request: Request, now: float) -> Any:
        """Answer a chat, with what was searched."""
        try:
            question = read(request)
        except BadQuestion as error:
            raise Refusal(_error(400, "bad_request", str(error))) from error
        if question.model not in _MODELS:
            raise Refusal(_error(400, "invalid_model", f"Invalid model '{question.model}'."))
        said = say(question)
        message = {"role": "assistant", "content": said.text}
        usage = {
            "prompt_tokens": said.asked,
            "completion_tokens": said.answered,
            "total_tokens": said.asked + said.answered,
            "search_context_size": "low",
            "cost": {"input_tokens_cost": 0.0, "output_tokens_cost": 0.0, "total_cost": 0.005},
        }
        delta = {"role": "assistant", "content": said.text if question.stream else ""}
        choice = {"index": 0, "finish_reason": "stop", "message": message, "delta": delta}
        answer = {
            "id": said.id,
            "model": question.model,
            "created": int(now),
            "usage": usage,
            "citations": ["https://news.example/a"],
            "search_results": [
                {
                    "title": "A story",
                    "url": "https://news.example/a",
                    "date": "2026-01-05",
                    "snippet": "Nothing that happened.",
                }
            ],
            "object": "chat.completion",
            "choices": [choice],
        }
        return stream([answer]) if question.stream else answer


def _nested(status: int, kind: str, text: str) -> dict[str, Any]:
    return {"error": {"message": text, "type": kind, "code": status}}


def _error(status: int, kind: str, text: str) -> Reply:
    return refused(status, _nested(status, kind, text))
