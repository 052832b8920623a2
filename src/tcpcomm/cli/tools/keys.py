"""The options ``--psk`` and ``--name`` of commands that connect or listen: :class:`KeyOptions`."""

from __future__ import annotations

from twisted.python import usage

from tcpcomm.cli.common import Refusal
from tcpcomm.net.psk import PreSharedKeys, read_keys


class KeyOptions(usage.Options):
    """The options of a pre-shared key."""

    optParameters = [  # noqa: RUF012 - the name and kind are Twisted's
        [
            "psk",
            None,
            None,
            "A file with a name and a key in hex on each line: peers must prove that they have a key.",
        ],
        ["name", None, None, "Our own name, with --psk."],
    ]

    def pre_shared_keys(self) -> PreSharedKeys | None:
        """Return our keys, or None if no key is demanded."""
        if self["psk"] is None:
            if self["name"] is not None:
                raise Refusal("--name has no effect without --psk FILE")
            return None
        if self["name"] is None:
            raise Refusal("--psk needs --name NAME: our own name, which the peer expects")
        return read_keys(self["psk"], self["name"])
