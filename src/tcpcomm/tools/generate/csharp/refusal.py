"""Refuse what the C# code cannot do, in words: :func:`refuse`."""

from __future__ import annotations

from typing import NoReturn

from tcpcomm.errors import ConfigurationError


def refuse(where: str, why: str) -> NoReturn:
    """
    Raise the error of a declaration that no C# class can be generated from.

    Args:
        where: the class, or the class and the method.
        why: the part that is the reason, in words.
    """
    raise ConfigurationError(f"no C# class can be generated from {where}: {why}")
