"""
The texts of options, composed for ``help``: each option is explained once, in the class that has it.

A function or class that takes the options as keywords has one line for all of them in its docstring, which
:func:`explains` replaces by one entry for each option.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

T = TypeVar("T", bound=Callable[..., Any])

_SECTION: Final = re.compile(r"^Args:\n((?:    .*\n|\n)*)", re.MULTILINE)
_ENTRY: Final = re.compile(r"^    (\w+): (.*\n(?:     .*\n)*)", re.MULTILINE)
_WIDTH: Final = 104


def option_texts(source: object) -> dict[str, str]:
    """
    Return the text of each argument that a docstring explains, by its name. The texts have no line breaks.

    Args:
        source: an object with a docstring in Google's style.
    """
    section = _SECTION.search(f"{inspect.cleandoc(source.__doc__ or '')}\n")
    found = _ENTRY.findall(section[1]) if section is not None else ()
    return {name: " ".join(text.split()) for name, text in found}


def explains(
    entry: str, source: object, *, only: Iterable[str] = (), but: Iterable[str] = ()
) -> Callable[[T], T]:
    """
    Explain options in a docstring, as a decorator: replace one entry by entries of another docstring.

    Args:
        entry: the name of the entry.
        source: the object whose docstring explains the options.
        only: the names of the options to take, in this order; by default all.
        but: the names of the options to leave out.
    """

    def explain(target: T) -> T:
        if target.__doc__ is None:  # python -OO
            return target
        texts = option_texts(source)
        names = [name for name in only or texts if name not in but]
        pattern = re.compile(rf"^( +){entry}: .*\n(?:\1 +.*\n)*", re.MULTILINE)
        (place,) = pattern.finditer(target.__doc__)
        composed = "".join(
            textwrap.fill(
                f"{name}: {texts[name]}",
                _WIDTH,
                initial_indent=place[1],
                subsequent_indent=f"{place[1]}    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            + "\n"
            for name in names
        )
        target.__doc__ = f"{target.__doc__[: place.start()]}{composed}{target.__doc__[place.end() :]}"
        return target

    return explain
