"""The language of an overheard connection: :class:`Speech`."""

from __future__ import annotations

from attrs import field, frozen

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.framing import Framing, Unframed


@frozen
class Speech:
    """
    The rules by which the two sides of a connection speak.

    Make one by :meth:`declared`, :meth:`framed` or :meth:`raw`.

    Attributes:
        to_equipment: the framing of what the host sends.
        to_host: the framing of what the equipment sends.
        gap: the seconds of silence that end a frame, or None.
        declaration: the declaration of the equipment, or None.
        host_side: the declaration of the commands that the equipment asks its host, or None.
    """

    to_equipment: Framing
    to_host: Framing
    gap: float | None = None
    declaration: Declaration | None = field(default=None, repr=False)
    host_side: Declaration | None = field(default=None, repr=False)

    @classmethod
    def declared(cls, declaration: Declaration, host_side: Declaration | None = None) -> Speech:
        """Return the language of a declaration, and of the one that its hosts answer."""
        if host_side is None and declaration.host_side is not None:
            host_side = declaration_of(declaration.host_side)
        return cls(declaration.received, declaration.sent, declaration.gap, declaration, host_side)

    @classmethod
    def framed(
        cls, framing: Framing, reply_framing: Framing | None = None, gap: float | None = None
    ) -> Speech:
        """Return a language of which only the framing is known."""
        return cls(framing, reply_framing or framing, gap)

    @classmethod
    def raw(cls) -> Speech:
        """Return a language of which nothing is known: each chunk is shown as a frame."""
        return cls.framed(Unframed())

    @property
    def is_raw(self) -> bool:
        """True if nothing is known, so that each chunk is a frame."""
        return self.declaration is None and isinstance(self.to_equipment, Unframed)

    def framing(self, *, to_host: bool) -> Framing:
        """Return the framing of a direction."""
        return self.to_host if to_host else self.to_equipment
