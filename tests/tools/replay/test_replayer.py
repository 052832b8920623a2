"""Replays without I/O: any conversation, in any pieces, against peers that say the same, and others."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm import ConfigurationError, Equipment, Login, command, declaration_of, event
from tcpcomm.codec import JsonRpc, Template
from tcpcomm.framing import Delimited, LengthPrefixed, Unframed
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.replay.comparison import Comparison
from tcpcomm.tools.replay.replayer import Replayer, ReplayRules, Send, Verdict, Wait
from tcpcomm.tools.replay.script import Chunk, steps_of
from tests.tools.replay.conversations import Peer, played, replayer_of, same, some_sizes

HOST, EQUIPMENT = True, False
LINES = Speech.framed(Delimited(b"\n"))
RAW = Speech.raw()

frames = st.binary(max_size=6).map(lambda data: data.replace(b"\n", b"."))
conversations = st.lists(st.tuples(st.booleans(), frames), min_size=1, max_size=8)
speeds = st.sampled_from([1.0, 0.5, 20.0, inf])


def lines_of(conversation: list[tuple[bool, bytes]]) -> list[tuple[bool, bytes]]:
    return [(from_host, frame + b"\n") for from_host, frame in conversation]


@given(conversations, st.booleans(), speeds, some_sizes)
def test_a_peer_that_says_the_same_is_the_same(
    conversation: list[tuple[bool, bytes]], plays_host: bool, speed: float, sizes: list[int]
) -> None:
    lines = lines_of(conversation)
    peer = played(lines, LINES, plays_host=plays_host, rules=ReplayRules(speed=speed), sizes=sizes)
    assert same(peer), peer.ended
    assert b"".join(data for side, data in lines if side == plays_host) == peer.heard


@given(conversations, st.booleans(), some_sizes, st.data())
def test_the_first_frame_that_differs_is_told(
    conversation: list[tuple[bool, bytes]], plays_host: bool, sizes: list[int], data: st.DataObject
) -> None:
    theirs = [number for number, (side, _) in enumerate(conversation) if side != plays_host]
    if not theirs:
        return
    changed = data.draw(st.sampled_from(theirs))
    peer = played(
        lines_of(conversation),
        LINES,
        plays_host=plays_host,
        says=lambda number, line: b"!" + line if number == changed else line,
        sizes=sizes,
    )
    assert peer.ended is not None
    difference = peer.ended.difference
    assert difference is not None
    assert (Verdict.DIFFERENT, conversation[changed][1], b"!" + conversation[changed][1]) == (
        peer.ended.verdict,
        difference.expected and difference.expected.frame,
        difference.got and difference.got.frame,
    )
    assert theirs.index(changed) + 1 == difference.frame
    assert round((changed + 1) * 500_000) == difference.time


@given(
    st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=5)), max_size=8),
    st.booleans(),
    some_sizes,
)
def test_without_a_framing_the_stream_counts_and_not_its_chunks(
    lines: list[tuple[bool, bytes]], plays_host: bool, sizes: list[int]
) -> None:
    peer = played(lines, RAW, plays_host=plays_host, sizes=sizes)
    assert same(peer), peer.ended
    assert b"".join(data for side, data in lines if side == plays_host) == peer.heard


def test_without_a_framing_the_byte_that_differs_is_told() -> None:
    lines = [(HOST, b"ab"), (EQUIPMENT, b"cd"), (HOST, b"efgh")]
    peer = played(lines, RAW, plays_host=False, says=lambda _, data: data.replace(b"g", b"?"))
    assert peer.ended is not None
    assert [
        "the host differs from the recording",
        "  session 1, byte 5 of the host, recorded at 1970-01-01 00:00:01.500000 UTC",
        "  expected: 65 66 67 68  |efgh|",
        "  got:      65 66 3f 68  |ef?h|",
        "  differs:  byte 3: expected 67, got 3f",
    ] == peer.ended.problem.splitlines()


@given(conversations, st.booleans(), st.binary(max_size=40), some_sizes, speeds)
def test_any_bytes_give_a_verdict(
    conversation: list[tuple[bool, bytes]], plays_host: bool, data: bytes, sizes: list[int], speed: float
) -> None:
    for speech in (LINES, RAW, CAMERA, RPC):
        replayer = replayer_of(
            lines_of(conversation), speech, plays_host=plays_host, rules=ReplayRules(speed=speed)
        )
        peer = Peer(replayer)
        peer.say(data, sizes)
        assert peer.finish().verdict in Verdict


def test_silence_is_a_timeout_with_what_was_expected() -> None:
    rules = ReplayRules(patience=3.0)
    peer = played(
        [(HOST, b"a\n"), (EQUIPMENT, b"b\n")], LINES, plays_host=True, rules=rules, says=lambda *_: None
    )
    assert peer.ended is not None
    assert Verdict.TIMEOUT is peer.ended.verdict
    assert [
        "the equipment did not send what is recorded",
        "  session 1, frame 1 of the equipment, recorded at 1970-01-01 00:00:01.000000 UTC",
        "  expected: 62  |b|",
        "  got:      nothing within 3 s",
    ] == peer.ended.problem.splitlines()
    assert 0.5 + 0.5 + 3.0 == peer.now


def test_a_frame_that_is_not_recorded_is_told() -> None:
    peer = played(
        [(HOST, b"a\n"), (EQUIPMENT, b"b\n")], LINES, plays_host=True, says=lambda _, data: data * 2
    )
    assert peer.ended is not None
    assert "  expected: nothing more" in peer.ended.problem.splitlines()
    assert Verdict.DIFFERENT is peer.ended.verdict


def test_a_peer_that_closes_early_is_no_link() -> None:
    replayer = replayer_of([(HOST, b"a\n"), (EQUIPMENT, b"b\n")], LINES, plays_host=True)
    replayer.closed("the peer closed the connection", 1.0)
    ended = Peer(replayer).finish()
    assert Verdict.NO_LINK is ended.verdict
    assert ended.problem.startswith("the peer closed the connection; the equipment did not send")


def test_a_peer_that_closes_after_its_last_frame_is_the_same() -> None:
    replayer = replayer_of([(HOST, b"a\n"), (EQUIPMENT, b"b\n")], LINES, plays_host=False)
    peer = Peer(replayer)
    peer.say(b"a\n")
    replayer.closed("the peer closed the connection", 1.0)
    assert Verdict.SAME is peer.finish().verdict


def test_chunks_of_our_side_keep_their_cuts() -> None:
    lines = [(EQUIPMENT, b"OK"), (EQUIPMENT, b",1\nA"), (EQUIPMENT, b"\n")]
    replayer = replayer_of(lines, LINES, plays_host=False, rules=ReplayRules(speed=inf))
    assert [Send(data) for _, data in lines] == [replayer.next(0.0) for _ in lines]


def test_time_passes_as_it_was_or_faster() -> None:
    lines = [(EQUIPMENT, b"a\n"), (EQUIPMENT, b"b\n")]
    for speed, times in ((1.0, [0.5, 1.0]), (5.0, [0.1, 0.2]), (inf, [0.0, 0.0])):
        replayer = replayer_of(lines, LINES, plays_host=False, rules=ReplayRules(speed=speed))
        sent: list[float] = []
        now = 0.0
        while len(sent) < 2:
            action = replayer.next(now)
            if isinstance(action, Wait):
                now = action.until
            else:
                sent.append(now)
        assert times == pytest.approx(sent)


# With a declaration


class Camera(Equipment):
    framing = Delimited(b"\n")
    codec = Template(fault="NG,{code:d},{reason}")
    heartbeat = "ping"

    @command("TRG,{job}", reply="OK,{x:.1f}")
    async def locate(self, job: int) -> float:
        raise NotImplementedError

    @command("PING", reply="PONG")
    async def ping(self) -> None:
        raise NotImplementedError

    @event("ALM,{code}")
    def alarm(self, code: int) -> None: ...


class Rpc(Equipment):
    framing = LengthPrefixed(1)
    codec = JsonRpc()
    pipeline = 4

    @command()
    async def locate(self, job: int) -> dict[str, float]:
        raise NotImplementedError


CAMERA = Speech.declared(declaration_of(Camera))
RPC = Speech.declared(declaration_of(Rpc))
TALK = [(HOST, b"TRG,1\n"), (EQUIPMENT, b"OK,1.5\n"), (EQUIPMENT, b"ALM,7\n"), (HOST, b"TRG,2\n")]


def test_values_count_and_not_their_form() -> None:
    peer = played(TALK, CAMERA, plays_host=True, says=lambda _, data: data.replace(b"1.5", b"1.50"))
    assert same(peer), peer.ended
    rules = ReplayRules(comparison=Comparison(exact=True))
    peer = played(
        TALK, CAMERA, plays_host=True, rules=rules, says=lambda _, data: data.replace(b"1.5", b"1.50")
    )
    assert not same(peer)


def test_the_field_that_differs_is_told() -> None:
    peer = played(TALK, CAMERA, plays_host=False, says=lambda _, data: data.replace(b"2", b"3"))
    assert peer.ended is not None
    assert [
        "the host differs from the recording",
        "  session 1, frame 2 of the host, recorded at 1970-01-01 00:00:02.000000 UTC",
        "  expected: command locate(job=2)  54 52 47 2c 32  |TRG,2|",
        "  got:      command locate(job=3)  54 52 47 2c 33  |TRG,3|",
        "  differs:  locate.job: expected 2, got 3",
    ] == peer.ended.problem.splitlines()


@pytest.mark.parametrize("ignored", ["result", "locate", "locate.result"])
def test_ignored_values_may_differ(ignored: str) -> None:
    rules = ReplayRules(comparison=Comparison(frozenset([ignored])))
    peer = played(
        TALK, CAMERA, plays_host=True, rules=rules, says=lambda _, data: data.replace(b"1.5", b"9.0")
    )
    assert same(peer), peer.ended


def test_numbers_may_differ_by_the_tolerance() -> None:
    for tolerance, is_same in ((0.2, True), (0.05, False)):
        rules = ReplayRules(comparison=Comparison(tolerance=tolerance))
        peer = played(
            TALK, CAMERA, plays_host=True, rules=rules, says=lambda _, data: data.replace(b"1.5", b"1.6")
        )
        assert is_same == same(peer)


def test_events_may_come_before_a_reply_though_recorded_behind_it() -> None:
    replayer = replayer_of(TALK, CAMERA, plays_host=True)
    peer = Peer(replayer)
    peer.hear(6)
    peer.say(b"ALM,7\nOK,1.5\n")
    assert Verdict.SAME is peer.finish().verdict


def test_heartbeats_are_answered_at_once_and_not_compared() -> None:
    recorded = [(HOST, b"PING\n"), (EQUIPMENT, b"PONG\n"), *TALK, (HOST, b"PING\n"), (EQUIPMENT, b"PONG\n")]
    peer = Peer(replayer_of(recorded, CAMERA, plays_host=False))
    peer.say(b"PING\nPING\nTRG,1\n")
    peer.hear(len(b"PONG\nPONG\nOK,1.5\nALM,7\n"))
    peer.say(b"TRG,2\nPING\n")
    assert Verdict.SAME is peer.finish().verdict
    assert b"PONG\nPONG\nOK,1.5\nALM,7\nPONG\n" == peer.heard


def test_recorded_heartbeats_are_sent_and_their_answers_not_compared() -> None:
    recorded = [(HOST, b"PING\n"), (EQUIPMENT, b"PONG\n"), *TALK]
    peer = Peer(replayer_of(recorded, CAMERA, plays_host=True))
    peer.hear(len(b"PING\nTRG,1\n"))
    peer.say(b"PONG\nOK,1.5\nALM,7\n")
    assert Verdict.SAME is peer.finish().verdict


def rpc(id: object, **members: object) -> bytes:
    import json

    text = json.dumps({"jsonrpc": "2.0", "id": id, **members}, separators=(",", ":")).encode()
    return bytes([len(text)]) + text


def ask(id: object, job: int) -> bytes:
    return rpc(id, method="locate", params={"job": job})


def tell(id: object, x: float) -> bytes:
    return rpc(id, result={"x": x})


ids = st.one_of(st.integers(0, 2**31 - 1), st.text(max_size=5))


@given(st.lists(ids, min_size=1, max_size=4, unique_by=str), st.data())
def test_replies_have_the_ids_of_the_live_requests(live: list[object], data: st.DataObject) -> None:
    count = len(live)
    asked = [(HOST, ask(number, 10 + number)) for number in range(count)]
    order = data.draw(st.permutations(range(count)))
    told = [(EQUIPMENT, tell(number, number / 2)) for number in order]
    peer = Peer(replayer_of([*asked, *told], RPC, plays_host=False))
    for number in range(count):
        peer.say(ask(live[number], 10 + number))
    ended = peer.finish()
    assert Verdict.SAME is ended.verdict, ended
    answers = steps_of([Chunk(0, EQUIPMENT, bytes(peer.heard))], Speech.framed(LengthPrefixed(1)), 0)
    import json

    found = [json.loads(said.frame) for step in answers for said in step.said]
    assert [(live[number], {"x": number / 2}) for number in order] == [
        (each["id"], each["result"]) for each in found
    ]


@given(st.permutations(range(3)))
def test_replies_with_ids_may_come_in_any_order(order: list[int]) -> None:
    asked = [(HOST, ask(number, number)) for number in range(3)]
    told = [(EQUIPMENT, tell(number, number / 2)) for number in range(3)]
    peer = Peer(replayer_of([*asked, *told], RPC, plays_host=True))
    peer.hear(sum(len(data) for _, data in asked))
    for number in order:
        peer.say(told[number][1])
    assert Verdict.SAME is peer.finish().verdict


def test_a_reply_that_we_would_write_otherwise_gets_only_the_new_id() -> None:
    spaced = b'{"jsonrpc": "2.0", "id": 1, "result": {"x": 0.5}}'
    lines = [(HOST, ask(1, 7)), (EQUIPMENT, bytes([len(spaced)]) + spaced)]
    peer = Peer(replayer_of(lines, RPC, plays_host=False))
    peer.say(ask(1, 7))
    peer.finish()
    assert lines[1][1] == peer.heard


# Secrets


class Guarded(Camera):
    login = (
        Login(expect="USER", send="{user}"),
        Login(expect="PASS", send="{password}"),
        Login(expect="IN"),
    )


GUARDED = Speech.declared(declaration_of(Guarded))
SECRET_TALK = [
    Chunk(1, EQUIPMENT, b"USER\n"),
    Chunk(2, HOST, b"******", is_masked=True, frames=((b"*****", True),)),
    Chunk(3, EQUIPMENT, b"PASS\n"),
    Chunk(4, HOST, b"*******", is_masked=True),
    Chunk(5, EQUIPMENT, b"IN\n"),
    Chunk(6, HOST, b"TRG,1\n"),
    Chunk(7, EQUIPMENT, b"OK,1.5\n"),
]


def test_a_host_logs_in_with_the_given_credentials() -> None:
    rules = ReplayRules(credentials={"user": "robot", "password": "geheim"})
    replayer = Replayer(steps_of(SECRET_TALK, GUARDED, 0), GUARDED, plays_host=True, rules=rules)
    replayer.begin(0.0)
    peer = Peer(replayer)
    for said, heard in ((b"USER\n", b"robot\n"), (b"PASS\n", b"geheim\n"), (b"IN\n", b"TRG,1\n")):
        before = len(peer.heard)
        peer.say(said)
        peer.hear(before + len(heard))
        assert heard == peer.heard[before:]
    peer.say(b"OK,1.5\n")
    assert Verdict.SAME is peer.finish().verdict


def test_a_login_without_credentials_is_refused_before_it_begins() -> None:
    with pytest.raises(ConfigurationError, match="needs credentials for password, user"):
        Replayer(steps_of(SECRET_TALK, GUARDED, 0), GUARDED, plays_host=True)


def test_equipment_takes_any_credentials() -> None:
    replayer = Replayer(steps_of(SECRET_TALK, GUARDED, 0), GUARDED, plays_host=False)
    replayer.begin(0.0)
    peer = Peer(replayer)
    size = 0
    for heard, said in ((b"USER\n", b"anyone\n"), (b"PASS\n", b"anything\n"), (b"IN\n", b"TRG,1\n")):
        size += len(heard)
        peer.hear(size)
        peer.say(said)
    assert Verdict.SAME is peer.finish().verdict
    assert b"USER\nPASS\nIN\nOK,1.5\n" == peer.heard


def test_a_secret_that_is_not_declared_cannot_be_played() -> None:
    replayer = Replayer(steps_of(SECRET_TALK, LINES, 0), LINES, plays_host=True)
    replayer.begin(0.0)
    peer = Peer(replayer)
    peer.say(b"USER\n")
    ended = peer.finish()
    assert Verdict.NO_LINK is ended.verdict
    assert ended.problem.startswith(
        "session 1 sends a secret at 00:00:00, and recordings do not keep secrets"
    )


def test_a_flood_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpcomm.tools.replay.replayer.MOST_EARLY", 5)
    peer = Peer(replayer_of([(EQUIPMENT, b"a\n")], LINES, plays_host=False))
    peer.say(b"x\n" * 6)
    assert Verdict.DIFFERENT is peer.finish().verdict
    assert 0.0 == peer.now


def test_a_stream_that_floods_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpcomm.tools.replay.replayer.MOST_EARLY_BYTES", 5)
    peer = Peer(replayer_of([(EQUIPMENT, b"a")], RAW, plays_host=False))
    peer.say(b"x" * 6)
    assert Verdict.DIFFERENT is peer.finish().verdict


def test_ignored_events_may_be_missing_or_come_more_often() -> None:
    rules = ReplayRules(comparison=Comparison(frozenset(["alarm"])))
    for said in (b"OK,1.5\n", b"ALM,1\nOK,1.5\nALM,2\n"):
        peer = Peer(replayer_of(TALK, CAMERA, plays_host=True, rules=rules))
        peer.hear(6)
        peer.say(said)
        assert Verdict.SAME is peer.finish().verdict


def test_a_frame_behind_the_last_one_is_told() -> None:
    replayer = replayer_of([(EQUIPMENT, b"a\n")], LINES, plays_host=True)
    peer = Peer(replayer)
    peer.say(b"a\n")
    assert Wait(0.2) == replayer.next(0.0)
    replayer.received(b"b\n", 0.1)
    assert Verdict.DIFFERENT is peer.finish().verdict


class Naive(Equipment):
    """Equipment that sends no end of a message: silence ends it."""

    framing = Unframed(join=True)
    gap = 0.1
    codec = Template(fault="NG,{code:d},{reason}")

    @command("TRG,{job}", reply="OK,{x:.1f}")
    async def locate(self, job: int) -> float:
        raise NotImplementedError


@pytest.mark.parametrize("plays_host", [True, False])
@given(sizes=some_sizes, speed=speeds)
def test_messages_that_silence_ends_are_compared(plays_host: bool, sizes: list[int], speed: float) -> None:
    naive = Speech.declared(declaration_of(Naive))
    talk = [(HOST, b"TRG,1"), (EQUIPMENT, b"OK,1.5"), (HOST, b"TRG,2"), (EQUIPMENT, b"OK,3.0")]
    rules = ReplayRules(speed=speed)
    assert same(played(talk, naive, plays_host=plays_host, rules=rules, sizes=sizes))
    changed = played(talk, naive, plays_host=plays_host, rules=rules, says=lambda _, data: data + b"1")
    assert changed.ended is not None
    assert changed.ended.verdict is Verdict.DIFFERENT
    assert changed.ended.difference is not None
    assert 1 == changed.ended.difference.frame
