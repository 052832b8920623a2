"""The format specification of a field, such as ``+08.3f``, split into its parts: :class:`FormatSpec`."""

from __future__ import annotations

import re
from typing import Final

from attrs import field, frozen
from attrs.converters import optional

from tcpcomm.errors import ConfigurationError

_FORMAT_SPEC: Final = re.compile(
    r"(?:(?P<fill>.)?(?P<align>[<>^=]))?(?P<sign>[-+ ])?(?P<zero>0)?(?P<width>[1-9][0-9]{0,5})?"
    r"(?:\.(?P<precision>[0-9]{1,5}))?(?:(?P<type>[a-zA-Z])(?P<machine>[iuf][0-9]{1,3}(?:le)?)?)?"
    r"(?:/(?P<scale>[0-9]{1,15}))?(?P<exact>!)?",
    re.DOTALL,
)
_NAMES: Final = {
    "align": "an alignment",
    "sign": "a sign",
    "zero": "a zero in front of the width",
    "width": "a width",
    "precision": "a precision",
    "type": "a letter at its end",
    "machine": "the bits of a computer's number",
    "scale": "a scale",
    "exact": "an exclamation mark, because it is read exactly as it is written",
}


@frozen
class FormatSpec:
    """
    A format specification: the supported parts of Python's, and three of our own.

    These are a computer's number in hexadecimal, such as ``i32`` behind ``X``; a scale such as ``/1000``;
    and ``!``: nothing but the written form is read.
    """

    text: str = ""
    fill: str = " "
    align: str = ""
    sign: str = ""
    zero: bool = field(default=False, converter=bool)
    width: int | None = field(default=None, converter=optional(int))
    precision: int | None = field(default=None, converter=optional(int))
    type: str = ""
    machine: str = ""
    scale: int | None = field(default=None, converter=optional(int))
    exact: bool = field(default=False, converter=bool)

    @property
    def python(self) -> str:
        """The specification for :func:`format`."""
        text = self.text.removesuffix("!").partition("/")[0].removesuffix(self.machine)
        return f"{text}d" if self.scale is not None and not self.type else text

    @property
    def bits(self) -> int:
        """The bits of a computer's number."""
        return int(self.machine[1:].removesuffix("le"))

    @property
    def is_little_endian(self) -> bool:
        """Return True if the bytes of a computer's number stand in the order of Intel, the lowest first."""
        return self.machine.endswith("le")

    def error(self, problem: str) -> ConfigurationError:
        """Return the error for a specification that cannot be used."""
        return ConfigurationError(f"{self.text!r}: {problem}")

    def allow_only(self, *parts: str, of: str) -> None:
        """Raise ConfigurationError if the specification of the type ``of`` has other parts than these."""
        for part, name in _NAMES.items():
            if part not in parts and getattr(self, part) not in ("", False, None):
                raise self.error(f"the format of {of} cannot have {name}")


def parse_format_spec(text: str) -> FormatSpec:
    """Split a format specification into its parts; raise ConfigurationError if it is none."""
    match = _FORMAT_SPEC.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"{text!r} is not a format: write for example 3d, 03d, .3f, +08.3f, .6E, 04X, Xi32, <8 or "
            "07d/1000"
        )
    return FormatSpec(text, **{name: value for name, value in match.groupdict().items() if value})
