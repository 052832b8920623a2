"""The base of framings around another framing: :class:`FramingAround`."""

from __future__ import annotations

from attrs import field, frozen

from tcpcomm.framing.base import Framing


@frozen
class FramingAround(Framing):
    """
    A framing around another one, the base of :class:`~tcpcomm.framing.Checked` and others.

    It has the inner framing's ``max_frame``, :attr:`opening` and :attr:`self_delimiting`.

    Args:
        framing: the inner framing.
    """

    framing: Framing
    max_frame: int = field(init=False)

    @max_frame.default
    def _inner_limit(self) -> int:
        return self.framing.max_frame

    @property
    def opening(self) -> bytes:
        return self.framing.opening

    @property
    def self_delimiting(self) -> bool:
        return self.framing.self_delimiting

    def in_stream(self, wire: bytes) -> bytes:
        return self.framing.in_stream(wire)
