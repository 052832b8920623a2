"""
The two kinds of protocol that most equipment speaks, set up by class attributes, and their factories.
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import evolve

from tcpcomm.framing import DEFAULT_MAX_FRAME, Delimited, Framing, LengthPrefixed
from tcpcomm.framing.length_decoder import Form
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.protocol import FrameProtocol


def _set_anew(cls: type, *settings: str) -> bool:
    """Return whether a class sets one of these, and does not set or inherit its framing after that."""
    for base in cls.__mro__:
        if "framing" in vars(base):
            return False
        if not vars(base).keys().isdisjoint(settings):
            return True
    return False


class DelimitedProtocol(FrameProtocol):
    r"""A session with frames that end with a delimiter. Set ``delimiter`` and, if needed, ``max_frame``."""

    delimiter: ClassVar[bytes | tuple[bytes, ...]] = b"\r\n"
    max_frame: ClassVar[int] = DEFAULT_MAX_FRAME
    framing: Framing = Delimited(delimiter, max_frame=max_frame)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if _set_anew(cls, "delimiter", "max_frame"):
            cls.framing = Delimited(cls.delimiter, max_frame=cls.max_frame)


class LengthPrefixedProtocol(FrameProtocol):
    """
    A session with frames that begin with their length.

    Set ``width`` and ``form`` as in :class:`~tcpcomm.framing.LengthPrefixed`. For other headers, set
    ``framing`` itself. If ``max_frame`` is None, it is 1 MiB, or less if the length field cannot express
    that.
    """

    width: ClassVar[int] = 4
    form: ClassVar[Form] = "big"
    max_frame: ClassVar[int | None] = None
    framing: Framing = LengthPrefixed(width)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if _set_anew(cls, "width", "form", "max_frame"):
            framing = LengthPrefixed(cls.width, form=cls.form)
            cls.framing = framing if cls.max_frame is None else evolve(framing, max_frame=cls.max_frame)


class DelimitedFactory(FrameFactory):
    """A :class:`~tcpcomm.FrameFactory` for :class:`DelimitedProtocol` and its subclasses."""

    protocol = DelimitedProtocol


class LengthPrefixedFactory(FrameFactory):
    """A :class:`~tcpcomm.FrameFactory` for :class:`LengthPrefixedProtocol` and its subclasses."""

    protocol = LengthPrefixedProtocol
