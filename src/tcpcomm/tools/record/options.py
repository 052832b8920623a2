"""The options of all commands that can record: :class:`RecordingOptions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twisted.python import usage

from tcpcomm.errors import ConfigurationError

if TYPE_CHECKING:
    from tcpcomm.tools.record.recorder import Recorder

_KEEP: Final = ("keep-hours", "keep-mib", "keep-before-fault")


class RecordingOptions(usage.Options):
    """The option ``--record``, and those that say how long values are kept."""

    optParameters: list[Any] = [  # noqa: RUF012 - the name and kind are Twisted's
        ["record", None, None, "Record all that passes in this file, such as line.tcpcomm."],
        ["keep-hours", None, None, "Hours after which recorded values are deleted.  [default: 168]"],
        [
            "keep-mib",
            None,
            None,
            "MiB of the recording; beyond it the oldest are deleted.  [default: 1024]",
        ],
        ["keep-before-fault", None, None, "Seconds before a fault that are kept longer.  [default: 60]"],
    ]

    @property
    def recordings(self) -> list[str]:
        """The files that the options ask to record."""
        return [] if self["record"] is None else [self["record"]]

    def recorders(self) -> list[Recorder]:
        """
        Return the recorder that the options ask for, or none.

        Raises:
            ConfigurationError: an option is wrong, or the file cannot be recorded into.
        """
        given = {name: self[name] for name in _KEEP if self[name] is not None}
        if self["record"] is None:
            if given:
                raise ConfigurationError(f"--{next(iter(given))} has no effect without --record FILE")
            return []
        from tcpcomm.tools.record.recorder import Recorder  # noqa: PLC0415 - brings in sqlite3, for few starts

        keep: dict[str, Any] = {name.replace("-", "_"): _number(name, text) for name, text in given.items()}
        return [Recorder(self["record"], **keep)]


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigurationError(f"--{name} must be a number, not {text!r}") from None
