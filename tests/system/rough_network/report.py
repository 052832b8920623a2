"""The results on a rough network, as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.system.figures import machine_table, table, verdict
from tests.system.rough_network.links import LinkResult, RoughResult

__all__ = ["FITTING", "page"]

FITTING: Final = ("fleet", "wan")
"""The profiles that fit such a network: none of their links may be taken for dead."""

_PAGE: Final = """\
# A rough network

Links work for {minutes:g} minutes over a network that loses {loss:g} % of all packets, in each direction.
It delays each of the others by {delay:g} ms, and by up to {jitter:g} ms more or less, so that packets overtake each other.
The peer lives all the time: whenever a link takes it for dead, that is a false death.

The packets pass through {means}.
The TCP below the links is the kernel's.
The measurement itself writes this page, so that nobody types a figure:

```text
{command}
```

It needs Linux and root.

{machine}
## What became of the links

One link for each policy, all at the same time, with about ten commands a second.
`lan`, `fleet` and `wan` are the profiles; the others are `lan` with another heartbeat and a longer connect timeout.

{links}
Linux sends a lost packet again after 0.2 s or more, and waits twice as long if that is lost, too.
Everything behind it on the same connection waits for as long.
So a heartbeat's timeout must be longer than a few retransmissions: 3 s on such a network, as in `fleet`.
`lan` is for one machine beside the other: its 0.3 s can be over before a lost packet has come.
Then it connects again, and reports each command truly, but it works in pieces.

## Why they were taken for dead

{reasons}
## What became of the commands

*Untrue*: answered but not carried out, or reported as not sent but carried out.

{commands}
## Packets

{packets}"""  # noqa: E501 - one sentence per line


def page(result: RoughResult, command: str, facts: Mapping[str, str]) -> str:
    """Return the whole page."""
    rough = result.roughness
    counts = result.packets or {}
    return _PAGE.format(
        minutes=result.seconds / 60,
        loss=100 * rough.loss,
        delay=1000 * rough.delay,
        jitter=1000 * rough.jitter,
        means=result.means,
        command=command,
        machine=machine_table(facts),
        links=table(
            ["policy", "heartbeat", "timeout", "false deaths", "reply p50", "p99", "longest", ""],
            [_link(name, each) for name, each in result.links.items()],
        ),
        reasons=table(
            ["policy", "reason", "times"],
            [
                [f"`{name}`", reason, f"{count:,}"]
                for name, each in result.links.items()
                for reason, count in sorted(each.deaths.items(), key=lambda item: -item[1])
            ],
        ),
        commands=table(
            [
                "policy",
                "sent",
                "answered",
                "not sent",
                "unknown",
                "wrong answer",
                "twice",
                "untrue",
                "no report",
            ],
            [_commands(name, each) for name, each in result.links.items()],
        ),
        packets=table(["", ""], [[name, f"{count:,}"] for name, count in counts.items()]),
    )


def _link(name: str, link: LinkResult) -> list[str]:
    deaths = sum(link.deaths.values())
    times = [f"{1000 * each:,.0f} ms" for each in (link.reply_p50, link.reply_p99, link.reply_max)]
    target = verdict(deaths == 0) if name in FITTING else ""
    return [f"`{name}`", f"{link.interval:g} s", f"{link.timeout:g} s", f"{deaths:,}", *times, target]


def _commands(name: str, link: LinkResult) -> list[str]:
    each = link.commands
    counts = (
        each.sent,
        each.answered,
        each.not_sent,
        each.unknown,
        each.wrong,
        each.twice,
        each.untrue,
        each.silent,
    )
    return [f"`{name}`", *(f"{count:,}" for count in counts)]
