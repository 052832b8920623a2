"""The format specification of a field, ``+08.3f``, taken apart: :class:`Spec`."""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from tcpcomm.errors import ConfigurationError

__all__ = ["Spec", "parse_spec"]

_SPEC: Final = re.compile(
    r"(?:(?P<fill>.)?(?P<align>[<>^]))?(?P<sign>[-+ ])?(?P<zero>0)?(?P<width>[1-9][0-9]{0,5})?"
    r"(?:\.(?P<precision>[0-9]{1,5}))?(?P<type>[a-zA-Z])?(?:/(?P<scale>[0-9]{1,15}))?",
    re.DOTALL,
)
_PARTS: Final = {
    "align": "alignment",
    "sign": "sign",
    "zero": "zero in front of the width",
    "width": "width",
    "precision": "precision",
    "type": "letter at its end",
    "scale": "scale",
}


@frozen
class Spec:
    """A format specification: the part of Python's that has a place here, and a scale, ``/1000``."""

    text: str = ""
    fill: str = " "
    align: str = ""
    sign: str = ""
    zero: bool = False
    width: int | None = None
    precision: int | None = None
    type: str = ""
    scale: int | None = None

    @property
    def python(self) -> str:
        """What :func:`format` gets."""
        text = self.text.partition("/")[0]
        return f"{text}d" if self.scale is not None and not self.type else text

    def only(self, *parts: str, of: str) -> None:
        """Raise ConfigurationError if there is another part than these."""
        for part, name in _PARTS.items():
            if part not in parts and getattr(self, part) not in ("", False, None):
                raise ConfigurationError(f"{self.text!r}: {of} has no {name}")


def parse_spec(text: str) -> Spec:
    """
    Take a format specification apart.

    Raises:
        ConfigurationError: it is none.
    """
    match = _SPEC.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"{text!r} is no format: there are forms such as 3d, 03d, .3f, +08.3f, .6E, 04X, <8, 07d/1000"
        )

    def number(part: str) -> int | None:
        found = match[part]
        return None if found is None else int(found)

    return Spec(
        text=text,
        fill=match["fill"] or " ",
        align=match["align"] or "",
        sign=match["sign"] or "",
        zero=match["zero"] is not None,
        width=number("width"),
        precision=number("precision"),
        type=match["type"] or "",
        scale=number("scale"),
    )
