"""The root of what a user can get wrong: the command ends with one line, never a traceback."""

from __future__ import annotations


class UserError(Exception):
    """What was asked for cannot be done as it was asked; the message says what to do instead."""
