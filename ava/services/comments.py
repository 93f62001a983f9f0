"""A language model's words on a recommendation: an extra that may fail alone.

The rules have decided; the model is told what and why, and comments. Whoever has a key is asked,
xAI first. A comment costs money, so it is kept as long as the recommendation it is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ava.cache import ttls
from ava.cache.keys import key
from ava.errors import AuthenticationError
from ava.net.failover import Answerer
from ava.providers.chat import Completion
from ava.services.advice import Recommendation
from ava.services.fresh import Fresh
from ava.settings import ProviderKeys

if TYPE_CHECKING:
    from ava.core import Core

DEADLINE_S = 20.0
_TOKENS = 200
_TASK = (
    "A rule of a trading platform made this recommendation. Say in at most 60 words what speaks for"
    " it and what against. Add no figures of your own.\n\n"
)


class Comment(Struct, frozen=True, kw_only=True):
    """What a model said, and who it is."""

    text: str
    provider: str
    model: str


class Comments:
    """Models that comment."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def on(self, name: str, recommendation: Recommendation) -> Fresh[Comment]:
        """Return a comment on a recommendation; `name` is the canonical one of what it is about.

        Raises AuthenticationError where no model has a key, and what its provider fails with.
        """

        async def fetch() -> Comment:
            return await self._asked(recommendation)

        named = key("comment", name, action=recommendation.action)
        return await self._core.kept(named, fetch, kind=Comment, keep=ttls.AI_RECOMMENDATION)

    async def _asked(self, recommendation: Recommendation) -> Comment:
        words = _TASK + msgspec.json.encode(recommendation).decode()
        gateway = self._core.platform.gateway
        answered = await gateway.first("a comment", self._models(words), deadline_s=DEADLINE_S)
        told = answered.value
        return Comment(text=told.text, provider=answered.provider, model=told.model)

    def _models(self, words: str) -> list[Answerer[Completion]]:
        """Return the models that can be asked."""
        platform, names = self._core.platform, self._core.settings.models
        asks: list[Answerer[Completion]] = [
            (
                "xai",
                lambda: platform.xai.complete(words, model=names.xai, max_tokens=_TOKENS),
            ),
            (
                "perplexity",
                lambda: platform.perplexity.complete(
                    words, model=names.perplexity, max_tokens=_TOKENS
                ),
            ),
        ]
        offered = [(name, ask) for name, ask in asks if platform.gateway.offers(name)]
        if not offered:
            keys = " or ".join(ProviderKeys.key(name) for name, _ in asks)
            raise AuthenticationError(f"no model is configured: set {keys}", provider="xai")
        return offered
