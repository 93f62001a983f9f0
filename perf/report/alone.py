"""A drawing of the report as a file of its own, to be mailed or put into a ticket.

On the page a drawing takes its colours from around it; alone it brings them, for a light and for a
dark ground.
"""

from __future__ import annotations

from markupsafe import Markup

_STYLE = Markup(
    "svg{color:#1f2328;background:#fff;font:12px system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}}"
    "text{fill:currentColor}"
)


def alone(drawing: Markup, label: str) -> str:
    """Return a drawing as a file of its own, readable on a light and on a dark ground."""
    opened = Markup('<svg xmlns="http://www.w3.org/2000/svg" aria-label="{}"').format(label)
    styled = Markup("<style>{}</style><desc>").format(_STYLE)
    whole = drawing.replace(Markup('<svg class="chart"'), opened, 1)
    return f"{whole.replace(Markup('<desc>'), styled, 1)}\n"
