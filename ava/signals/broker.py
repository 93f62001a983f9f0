"""Who executes orders: anybody who fills an order of one id once, however often it is sent.

That promise is what lets the loop send an order again after a crash. The paper broker keeps it by
having nothing to remember: its fill is computed from the order alone, at the price it was decided
at, moved against it by the slippage.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Protocol

from ava.signals.orders import Fill, Order, Side

_EXACT = Decimal("0.00000001")


class Broker(Protocol):
    """Executes orders."""

    async def submit(self, order: Order) -> Fill:
        """Execute an order once; the same fill for the same id, however often it is asked for."""
        ...


class PaperBroker:
    """Fills every order as a whole, on paper; `slippage` is a fraction of the price."""

    def __init__(self, *, slippage: Decimal = Decimal("0.0002")) -> None:
        if not 0 <= slippage < 1:
            raise ValueError(f"slippage is a fraction of the price such as 0.0002, not {slippage}")
        self._slippage = slippage

    async def submit(self, order: Order) -> Fill:
        """Return the fill of an order."""
        worse = 1 + self._slippage if order.side is Side.BUY else 1 - self._slippage
        price = (order.price * worse).quantize(_EXACT, ROUND_HALF_EVEN)
        return Fill(
            order.order_id, order.symbol, order.side, order.quantity, price, order.decided_at
        )
