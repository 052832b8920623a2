"""The times after which the session of a name may be evicted."""

from __future__ import annotations

from tcpcomm.session.heartbeat import Heartbeats
from tcpcomm.session.rivals import FIGHT_ENDS, FIRST_SILENCE, LONGEST_SILENCE, SERIES_ENDS, Rivals

JUST = 0.001


def test_the_silence_that_is_needed_doubles_up_to_the_longest() -> None:
    rivals = Rivals()
    assert rivals.may_evict("robot", 0.0, heard_at=0.0)
    now, needed = 0.0, FIRST_SILENCE
    for _ in range(6):
        now += SERIES_ENDS - JUST
        assert rivals.may_evict("robot", now, heard_at=now - needed)
        needed = min(2 * needed, LONGEST_SILENCE)
    assert LONGEST_SILENCE == needed
    assert not rivals.may_evict("robot", now + JUST, heard_at=now - needed + 2 * JUST)


def test_a_session_that_was_heard_within_the_first_silence_stays() -> None:
    rivals = Rivals()
    rivals.may_evict("robot", 0.0, heard_at=0.0)
    assert not rivals.may_evict("robot", 5.0, heard_at=5.0 - FIRST_SILENCE + JUST)


def test_the_next_eviction_is_free_when_the_series_has_ended() -> None:
    rivals = Rivals()
    rivals.may_evict("robot", 0.0, heard_at=0.0)
    assert rivals.may_evict("robot", SERIES_ENDS, heard_at=SERIES_ENDS)


def test_the_next_eviction_is_free_when_nobody_was_refused_for_a_minute() -> None:
    rivals = Rivals()
    rivals.may_evict("robot", 0.0, heard_at=0.0)
    assert not rivals.may_evict("robot", 1.0, heard_at=1.0)
    now = 1.0 + FIGHT_ENDS - JUST
    assert not rivals.may_evict("robot", now, heard_at=now)
    now += FIGHT_ENDS
    assert rivals.may_evict("robot", now, heard_at=now)


def test_a_loose_contact_keeps_no_peer_with_heartbeats_waiting() -> None:
    rivals, heartbeats = Rivals(), Heartbeats(0.1, 0.3)
    for n in range(20):  # each time the peer comes back 0.3 s after it was heard last
        assert rivals.may_evict("robot", n * 0.5, heard_at=n * 0.5 - 0.3, heartbeats=heartbeats)


def test_a_peer_that_is_heard_in_each_interval_keeps_its_session() -> None:
    rivals, heartbeats = Rivals(), Heartbeats(0.1, 0.3)
    assert rivals.may_evict("robot", 0.0, heard_at=0.0, heartbeats=heartbeats)
    for n in range(1, 100):
        assert not rivals.may_evict("robot", n * 0.5, heard_at=n * 0.5 - 0.1, heartbeats=heartbeats)
