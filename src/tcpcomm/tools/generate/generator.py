"""
A generator, and what it is given and returns: :class:`Generator`, :class:`Wanted`, :class:`Generated`.

A generator reads a declaration and returns the text of one file. It writes nothing, and needs no reactor.
It raises :class:`~tcpcomm.errors.ConfigurationError` for a declaration that its file cannot express.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from attrs import field, frozen

from tcpcomm.equipment.declaration import Declaration


@frozen(kw_only=True)
class Wanted:
    """
    The wishes of the user, beside the declaration.

    Attributes:
        device: the name by which the command line names the device, such as ``modbus`` or ``cam:Camera``.
        port: the TCP port where the equipment listens.
    """

    device: str
    port: int


@frozen
class Generated:
    """
    The result of a generator.

    Attributes:
        text: the content of the file.
        notes: what a user should know about it, such as messages that it cannot show. One line each.
    """

    text: str
    notes: tuple[str, ...] = field(default=(), kw_only=True)


@frozen(kw_only=True)
class Generator:
    """
    A generator, as ``tcpcomm generate`` offers it.

    Attributes:
        name: the word on the command line.
        summary: one line for the help, without a full stop.
        place: the function that makes the file, as ``module:name``. It is imported when it is needed.
        next_step: one line that says what to do with the file. It may have ``{file}``.
    """

    name: str
    summary: str
    place: str
    next_step: str

    def generate(self, declaration: Declaration, wanted: Wanted) -> Generated:
        """
        Return the file of a declaration.

        Raises:
            ConfigurationError: the file cannot express the declaration. The error says why.
        """
        module, _, name = self.place.partition(":")
        function: Callable[[Declaration, Wanted], Generated] = getattr(import_module(module), name)
        return function(declaration, wanted)
