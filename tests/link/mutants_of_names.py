"""Broken rules of links to machines that are known by name."""

from __future__ import annotations

from typing import Final

from tcpcomm.link.supervisor import Supervisor
from tcpcomm.net.names import Names
from tests.link import test_names
from tests.link.mutant import Mutant

__all__ = ["MUTANTS_OF_NAMES"]

MUTANTS_OF_NAMES: Final = (
    Mutant(
        "the time to connect begins with the lookup",
        Supervisor,
        "resolved",
        "self._due = now + self.policy.connect_timeout",
        "pass",
        test_names.test_the_time_to_connect_begins_when_the_address_is_known,
    ),
    Mutant(
        "a lookup has no time of its own",
        Supervisor,
        "looking_up",
        "self._due = now + self.policy.resolve_timeout",
        "pass",
        test_names.test_a_slow_lookup_costs_nothing_of_the_time_to_connect,
        {"delay": 0.1},
    ),
    Mutant(
        "a name is looked up again although a lookup is under way",
        Names,
        "_seek",
        "if known.under_way:",
        "if False:",
        test_names.test_a_dead_name_server_is_the_reason_and_its_return_is_noticed,
    ),
    Mutant(
        "the last answer is not used where a newer one was not to be had",
        Names,
        "_looked_up",
        "if addresses:",
        "if True:",
        test_names.test_a_link_comes_back_although_the_name_server_forgot_the_name,
    ),
    Mutant(
        "an old answer is never sought anew",
        Names,
        "resolve",
        "if age >= REFRESH_AFTER:",
        "if False:",
        test_names.test_a_machine_that_got_another_address_is_followed,
    ),
)
