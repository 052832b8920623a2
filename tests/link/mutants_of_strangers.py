"""Broken rules about strangers, and about two peers that have one name."""

from __future__ import annotations

from typing import Final

from tcpcomm.link.engine import Engine
from tcpcomm.session.admission import Admission
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.rivals import Rivals
from tests.link import test_keys
from tests.link.mutant import Mutant
from tests.session import test_admission, test_evicting

__all__ = ["MUTANTS_OF_STRANGERS"]

MUTANTS_OF_STRANGERS: Final = (
    Mutant(
        "a peer that is alive is evicted again and again",
        Rivals,
        "may_evict",
        "if now - heard_at < min(silence, longest):",
        "if False:",
        test_keys.test_two_peers_of_one_name_do_not_evict_each_other_for_ever,
    ),
    Mutant(
        "what a peer says does not show that it is alive",
        Engine,
        "session_heard",
        "session.heard_at = now = self._now()",
        "now = self._now()",
        test_keys.test_two_peers_of_one_name_do_not_evict_each_other_for_ever,
    ),
    Mutant(
        "a silent peer is evicted after the same silence each time",
        Rivals,
        "may_evict",
        "2.0 ** (series.evictions - 1)",
        "1.0",
        test_evicting.test_two_peers_of_one_name_do_not_evict_each_other_for_ever,
        {"talkative": False, "most": 6},
    ),
    Mutant(
        "the first zombie must have been silent too",
        Rivals,
        "may_evict",
        "if series.evictions else 0.0",
        "if series.evictions else 1.0",
        test_evicting.test_a_proven_name_has_one_session_and_the_end_of_the_other_is_logged,
    ),
    Mutant(
        "an eviction is never forgotten",
        Rivals,
        "may_evict",
        "series is None or now >= series.ends_at",
        "series is None",
        test_evicting.test_a_zombie_is_evicted_at_once_again_when_some_time_has_passed,
    ),
    Mutant(
        "a peer that is refused ends the session of the one that is there",
        FrameFactory,
        "_refusal",
        "refusal = same_name(old.peer)",
        "old.abort('evicted')",
        test_evicting.test_a_refused_peer_of_the_same_name_is_told_why,
    ),
    Mutant(
        "who is not proven has no budget",
        Admission,
        "unproven_opened",
        "len(self._unproven) >= self.max_unproven and not self._drop_one(network, now)",
        "False",
        test_keys.test_strangers_neither_evict_the_peer_nor_keep_it_out,
    ),
    Mutant(
        "a full budget keeps the peer out",
        Admission,
        "_drop_one",
        "if not found:",
        "if True:",
        test_keys.test_the_peer_gets_in_while_strangers_come_and_come,
    ),
    Mutant(
        "strangers of any network are dropped, not those of the most frequent",
        Admission,
        "_drop_one",
        "if counts[each[1].network] == most]",
        "]",
        test_admission.test_a_newcomer_takes_the_place_of_one_from_the_network_that_has_most,
    ),
    Mutant(
        "who is dropped keeps its place",
        Admission,
        "unproven_closed",
        "self._unproven.pop(connection, None)",
        "self._unproven.get(connection)",
        test_keys.test_the_peer_gets_in_while_strangers_come_and_come,
    ),
    Mutant(
        "who is not proven counts as a session",
        FrameFactory,
        "sessionOpened",
        "self.sessions_total += 1",
        "self.admission.session_opened(session.host)",
        test_evicting.test_strangers_do_not_count_as_sessions,
    ),
)
