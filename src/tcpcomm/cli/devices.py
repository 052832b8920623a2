"""The subcommand ``tcpcomm devices``: it lists the devices that are ready to use."""

from __future__ import annotations

import json
import sys
from typing import Any

from twisted.python import usage

from tcpcomm.cli.common import Subcommand
from tcpcomm.devices.catalogue import Device, all_devices
from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.safe_text import one_line


class DevicesOptions(Subcommand):
    """The options of ``tcpcomm devices``."""

    synopsis = "devices [options]"

    longdesc = """Lists the devices that are ready to use, those of other packages included: the name that
the other commands take, the usual TCP port, the standard or manual, and the programs of others that prove
each in the tests: those that its equipment serves, and those that its host asks."""

    optFlags = [  # noqa: RUF012 - the name and kind are Twisted's
        ["json", "j", "Print JSON."],
    ]

    def parseArgs(self, *args: str) -> None:
        if args:
            raise usage.UsageError(f"it takes no argument, such as {args[0]}")

    def run(self) -> int:
        found = list(all_devices())
        devices = [each for each in found if isinstance(each, Device)]
        if self["json"]:
            print(json.dumps([_facts(each) for each in devices], indent=2, ensure_ascii=False))
        else:
            for each in devices:
                print("\n".join(_lines(each)))
        errors = [each for each in found if isinstance(each, ConfigurationError)]
        for error in errors:
            print(one_line(f"tcpcomm devices: {error}"), file=sys.stderr)
        return 1 if errors else 0


def _facts(device: Device) -> dict[str, Any]:
    return {
        "name": device.name,
        "summary": device.summary,
        "declaration": device.place,
        "port": device.port,
        "source": device.source,
        "served": list(device.served),
        "asked": list(device.asked),
    }


def _lines(device: Device) -> list[str]:
    """Return the lines about one device."""
    port = "" if device.port is None else f", TCP port {device.port}"
    facts = {
        "source": device.source,
        "serves": ", ".join(device.served),
        "asks": ", ".join(device.asked),
    }
    lines = [f"{device.name}: {device.summary}{port}"]
    return lines + [f"    {name}: {text}" for name, text in facts.items() if text]
