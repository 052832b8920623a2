"""A greeting and a login that are overheard: :class:`OverheardLogin`."""

from __future__ import annotations

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.login import Login, credential_names
from tcpcomm.runtime.safe_text import brief_bytes


class OverheardLogin:
    """
    Follows the steps of a declared login. It gives up at the first frame that does not fit.

    Args:
        declaration: the declaration of the equipment.
    """

    def __init__(self, declaration: Declaration) -> None:
        greeting = [] if declaration.greeting is None else [Login(expect=declaration.greeting)]
        self._steps = [*greeting, *declaration.login]
        self._encoding = declaration.encoding
        self._is_told = False  # the equipment has sent the text of the first step

    @property
    def is_over(self) -> bool:
        """True if commands may pass."""
        return not self._steps

    @property
    def has_secrets(self) -> bool:
        """True while the host may send credentials."""
        return bool(credential_names(self._steps))

    def equipment_sent(self, frame: bytes) -> str:
        """Take a frame of the equipment. Return the problem if it does not fit, else an empty text."""
        step = self._steps[0]
        expected = (step.expect or "").rstrip()
        if self._is_told or step.expect is None:
            return self._give_up(f"{brief_bytes(frame)} came before the answer {step.send!r} of the host")
        if not frame.decode(self._encoding, "replace").startswith(expected):
            return self._give_up(f"the login expects {step.expect!r}, and {brief_bytes(frame)} came")
        self._is_told = True
        if step.send is None:
            self._next()
        return ""

    def host_sent(self) -> str:
        """Take a frame of the host. Return the problem if it is not the host's turn, else an empty text."""
        step = self._steps[0]
        if not self._is_told and step.expect is not None:
            return self._give_up(f"the host did not wait for {step.expect!r}")
        self._next()
        return ""

    def _next(self) -> None:
        del self._steps[0]
        self._is_told = False

    def _give_up(self, problem: str) -> str:
        self._steps.clear()
        return problem
