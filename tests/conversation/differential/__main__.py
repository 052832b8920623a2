"""Run the session of one seed in both ways, and print its steps and the first that differs."""

from __future__ import annotations

import sys

from tests.conversation.differential.links import run_link
from tests.conversation.differential.recording import first_difference, virtual_time
from tests.conversation.differential.sessions import run_session

RUNS = {"server": run_session, "host": run_link}


def main(side: str, seed: str) -> str:
    """Return the message about a session."""
    with virtual_time():
        general, generated = (RUNS[side](int(seed), each) for each in (True, False))
    for number, outcome in enumerate(general):
        print(number, outcome.step)
        for line in outcome.lines:
            print("   ", line)
    return first_difference(general, generated) or "no difference"


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
