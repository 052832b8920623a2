"""
The picture of the console in the documentation: ``python -m tests.tools.console.picture``.

It writes ``docs/images/console.svg``, without fonts from elsewhere.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from tcpcomm import MessageKind
from tcpcomm.errors import BadChecksum
from tests.conftest import ROOT
from tests.tools.console.stage import Stage, staged

PICTURE = ROOT / "docs/images/console.svg"


def speak(stage: Stage) -> None:
    """Let a camera and a host speak."""
    _, session = stage.link()
    for job in range(3):
        stage.ask(session, job, reply=b"OK,12.5,4.0,90.0", x=12.5, y=4.0, angle=90.0)
    asked = stage.say(session, MessageKind.COMMAND, b"TRG,7", "locate", {"job": 7}, sent=True, after=0.2)
    fault = {"code": 3, "reason": "no part"}
    stage.say(session, MessageKind.FAULT, b"NG,3,no part", values=fault, answers=asked, after=0.0083)
    stage.say(session, MessageKind.EVENT, b"ALM,7", "alarm", {"code": 7}, after=0.35)
    stage.model.fault(session, BadChecksum("checksum 5B expected, 5A came", offset=0, recoverable=True))
    stage.ask(session, 8, reply=b"OK,13.1,4.2,88.5", x=13.1, y=4.2, angle=88.5)


async def picture() -> str:
    """Return the picture."""
    async with staged((120, 30)) as stage:
        speak(stage)
        await stage.settle()
        await stage.press("enter")
        svg = stage.app.export_screenshot(title="tcpcomm --console")
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def main(path: Path = PICTURE) -> None:
    """Write the picture."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(asyncio.run(picture()), "utf-8")


if __name__ == "__main__":
    main()
