"""Texts as databases take them."""

from __future__ import annotations


def storable_text(text: str | None) -> str | None:
    """Return `text` with what some databases refuse written as an escape: NUL and unpaired surrogates.

    A run that failed with such a message must be recorded like any other.
    """
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")
