"""What xAI and Perplexity share: the answer to a chat, whole or as a stream of events.

The words are drawn from the question, so the same question gets the same answer, and the tokens
are counted from their lengths. A stream is sent at once, ended by `[DONE]`: what a client must
manage is its form.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any

from perf.lab.providers.provider import Reply, Request, told

_CHARACTERS_A_TOKEN = 4
_SENTENCE = "the position looks sound while earnings and volatility suggest a modest hedge"


@dataclass(frozen=True, slots=True)
class Question:
    """A chat as it was asked."""

    model: str
    prompt: str
    stream: bool


@dataclass(frozen=True, slots=True)
class Said:
    """The text of an answer and the tokens it took."""

    id: str
    text: str
    asked: int
    answered: int


class BadQuestion(ValueError):  # noqa: N818 - what was asked, not what went wrong here
    """The body is no chat; the message says why."""


def read(request: Request) -> Question:
    """Read a body; raise BadQuestion."""
    try:
        body = json.loads(request.body)
        messages = body["messages"]
        prompt = " ".join(str(message["content"]) for message in messages)
        model = body["model"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadQuestion(f"the body is not a chat: {error}") from error
    if not messages or not isinstance(model, str):
        raise BadQuestion("a chat needs a model and at least one message")
    return Question(model, prompt, bool(body.get("stream", False)))


def say(question: Question) -> Said:
    """Return the answer to a question."""
    drawn = zlib.crc32(question.prompt.encode())
    known = _SENTENCE.split()
    words = [known[(drawn + step * 5) % len(known)] for step in range(8 + drawn % 16)]
    text = " ".join(words).capitalize() + "."
    return Said(f"{drawn:08x}-sim", text, _tokens(question.prompt), _tokens(text))


def stream(chunks: list[dict[str, Any]]) -> Reply:
    """Return a stream of events."""
    events = [b"data: " + told(chunk) + b"\n\n" for chunk in chunks]
    return Reply(200, b"".join(events) + b"data: [DONE]\n\n", "text/event-stream")


def _tokens(text: str) -> int:
    return max(1, len(text) // _CHARACTERS_A_TOKEN)
