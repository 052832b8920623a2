"""Proofs of a pre-shared key that are wrong, replayed or late. Numbers 601 to 649."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from time import monotonic, sleep

from tcpcomm.testing.hostile.case import CLOSED, OTHERS_SERVED, case
from tcpcomm.testing.hostile.connection import OPEN, Connection
from tcpcomm.testing.hostile.target import (
    ANSWERED,
    ATTACKER,
    NEWCOMER,
    PSK_VERSION,
    CannotConnect,
    Target,
)
from tcpcomm.testing.hostile.verdict import PSK, wrong

_PSK = (PSK,)
_ACCEPT = f"{PSK_VERSION} ACCEPT ".encode()
_REFUSE = f"{PSK_VERSION} REFUSE ".encode()


def _refused(target: Target, peer: Connection, data: bytes) -> None:
    """Send what is not a proof, and a request. The target must close, and must answer neither."""
    peer.send(data)
    peer.send(target.request().wire)
    target.must_close(peer)
    if _ACCEPT in peer.received:
        wrong("accepted a proof that is not one")
    if _REFUSE in peer.received:
        wrong("told a peer that proved nothing why it is refused")
    target.must_not_answer(peer)


def _challenged(target: Target, stack: ExitStack) -> tuple[Connection, str]:
    peer = stack.enter_context(target.connect())
    return peer, target.challenge(peer)


@case(601, "challenge", kinds=_PSK, sends="nothing", right="TCPCOMM-PSK/1 CHALLENGE and 64 digits, LF")
def challenge(target: Target) -> None:
    """Connect and read the challenge: its form is fixed, and nothing else is told before the proof."""
    with target.connect() as peer:
        nonce = target.challenge(peer)
        if len(nonce) != 64 or set(nonce) - set("0123456789abcdef"):
            wrong(f"the nonce is not 32 bytes in lower-case hexadecimal: {nonce!r}")
        if peer.received:
            wrong(f"sent more than its challenge: {bytes(peer.received[:60])!r}")


@case(602, "fresh nonces", kinds=_PSK, sends="nothing, 20 times", right="20 different nonces")
def fresh_nonces(target: Target) -> None:
    """Read twenty challenges: a nonce that comes twice makes a recorded proof worth something."""
    found = set()
    for _ in range(20):
        with target.connect() as peer:
            found.add(target.challenge(peer))
        sleep(0.005)
    if len(found) < 20:
        wrong(f"sent only {len(found)} different nonces in 20 challenges")


@case(
    603, "good proof", kinds=_PSK, sends="a good proof, a request", right="ACCEPT with its HMAC, the reply"
)
def good_proof(target: Target) -> None:
    """Prove the key: the target must prove itself too, and then answer."""
    with target.open() as peer:
        if target.ask(peer) != ANSWERED:
            wrong("did not answer a proven peer")


@case(604, "wrong key", kinds=_PSK, sends="a proof by another key", right=CLOSED)
def wrong_key(target: Target) -> None:
    """Prove a key that is not the shared one."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        _refused(target, peer, target.proof(theirs, key=secrets.token_bytes(32)))


@case(605, "empty key", kinds=_PSK, sends="a proof by the empty key, and by NULs", right=CLOSED)
def empty_key(target: Target) -> None:
    """Prove keys that a broken configuration may have."""
    for key in (b"", b"\0" * 16, b"\0" * 32):
        with ExitStack() as stack:
            peer, theirs = _challenged(target, stack)
            _refused(target, peer, target.proof(theirs, key=key))


@case(606, "unknown name by the key of NULs", kinds=_PSK, sends="a proof of nobody", right=CLOSED)
def unknown_name(target: Target) -> None:
    """Prove the key of NULs under a name that nobody has, as a decoy key might be."""
    for key in (b"\0" * 16, b"\0" * 32, b""):
        with ExitStack() as stack:
            peer, theirs = _challenged(target, stack)
            _refused(target, peer, target.proof(theirs, name="nobody-here", key=key))


@case(607, "replayed proof", kinds=_PSK, sends="a good proof, again on a new connection", right=CLOSED)
def replay(target: Target) -> None:
    """Record a good proof and send it again."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        recorded = target.proof(theirs)
        peer.send(recorded)
        peer.receive_until(lambda data: b"\n" in data, within=1.0)
        again, _ = _challenged(target, stack)
        _refused(target, again, recorded)


@case(608, "reflected nonce", kinds=_PSK, sends="a good proof whose nonce is the target's", right=CLOSED)
def reflection(target: Target) -> None:
    """Use the target's own nonce as ours, so that both proofs are alike but for the side."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        _refused(target, peer, target.proof(theirs, theirs))


@case(609, "proof of the other side", kinds=_PSK, sends="a proof as acceptor", right=CLOSED)
def other_side(target: Target) -> None:
    """Prove the key for the other side, which a reflected proof would be."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        _refused(target, peer, target.proof(theirs, side="acceptor"))


@case(
    610,
    "proof through another connection",
    kinds=_PSK,
    sends="a proof for a second challenge",
    right=CLOSED,
)
def crossed(target: Target) -> None:
    """Answer the challenge of one connection on another."""
    with ExitStack() as stack:
        first, theirs = _challenged(target, stack)
        second, _ = _challenged(target, stack)
        _refused(target, second, target.proof(theirs))
        first.close()


@case(611, "older and newer versions", kinds=_PSK, sends="TCPCOMM-PSK/0, /2, /1.0, psk/1", right=CLOSED)
def versions(target: Target) -> None:
    """Prove the key in versions that do not exist: a target must not fall back."""
    for version in ("TCPCOMM-PSK/0", "TCPCOMM-PSK/2", "TCPCOMM-PSK/1.0", "tcpcomm-psk/1", "TCPCOMM-PSK"):
        with ExitStack() as stack:
            peer, theirs = _challenged(target, stack)
            _refused(target, peer, target.proof(theirs, version=version))


@case(612, "version only in the line", kinds=_PSK, sends="a line of /2 with the HMAC of /1", right=CLOSED)
def version_in_line(target: Target) -> None:
    """Change the version in the line and not in the HMAC."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        good = target.proof(theirs)
        _refused(target, peer, good.replace(b"PSK/1", b"PSK/2", 1))


@case(613, "no proof at all", kinds=_PSK, sends="a request at once", right=CLOSED)
def no_proof(target: Target) -> None:
    """Send a request instead of a proof."""
    with ExitStack() as stack:
        peer, _ = _challenged(target, stack)
        _refused(target, peer, b"")


@case(
    614,
    "request behind a wrong proof",
    kinds=_PSK,
    sends="a wrong proof and requests at once",
    right=CLOSED,
)
def request_behind(target: Target) -> None:
    """Send requests in the packet of a wrong proof: none may be carried out."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        bad = target.proof(theirs, key=b"x" * 32)
        _refused(target, peer, bad + target.request().wire * 20)


@case(615, "request behind a good proof", kinds=_PSK, sends="a proof and a request at once",
      right="ACCEPT, then the reply")  # fmt: skip
def request_in_same_packet(target: Target) -> None:
    """Send a good proof and a request in one packet."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        request = target.request()
        peer.send(target.proof(theirs) + request.wire)
        peer.receive_until(lambda data: target.options.expect in data, within=2.0)
        if not peer.received.startswith(_ACCEPT) or target.options.expect not in peer.received:
            wrong(f"did not accept and answer, but sent {bytes(peer.received[-60:])!r}")


@case(616, "two proofs at once", kinds=_PSK, sends="a good proof twice in one packet",
      right="one ACCEPT; the second is a message, or the end")  # fmt: skip
def two_proofs(target: Target) -> None:
    """Send a good proof twice: the exchange has one proof."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        peer.send(target.proof(theirs) * 2)
        peer.end(within=0.3)
        if bytes(peer.received).count(_ACCEPT) > 1:
            wrong("accepted two proofs on one connection")


@case(
    617, "good proof behind a wrong one", kinds=_PSK, sends="a wrong proof, then a good one", right=CLOSED
)
def second_try(target: Target) -> None:
    """Send a wrong proof and then a good one: a connection has one try."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        _refused(target, peer, target.proof(theirs, key=b"y" * 32) + target.proof(theirs))


@case(618, "proof byte by byte", kinds=_PSK, sends="a good proof, each byte in a packet", right="ACCEPT")
def byte_by_byte(target: Target) -> None:
    """Send a good proof with each byte in a packet of its own."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        peer.send_slowly(target.proof(theirs), pause=0.0005)
        if not peer.receive_until(lambda data: data.startswith(_ACCEPT), within=2.0):
            wrong("did not accept a good proof that came byte by byte")


@case(619, "slow proof", kinds=_PSK, sends="a good proof, one byte each 0.1 s", waits=True, right=CLOSED)
def slow_proof(target: Target) -> None:
    """Send a good proof so slowly that it never ends in time."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        began = monotonic()
        for byte in target.proof(theirs)[:-1]:
            if not peer.send(bytes([byte])) or monotonic() - began > target.options.patience:
                break
            peer.receive(0.1)
            if peer.state is not OPEN:
                return
        if peer.end(within=0.5) is OPEN:
            wrong(f"waits for an unfinished proof for {target.options.patience:g} s")


@case(620, "line without end", kinds=_PSK, sends="64 KiB without LF", right=CLOSED)
def without_end(target: Target) -> None:
    """Send a line that is longer than any line of the exchange."""
    with ExitStack() as stack:
        peer, _ = _challenged(target, stack)
        peer.send(f"{PSK_VERSION} PROOF ".encode() + b"a" * 65536)
        target.must_close(peer, within=2.0)


@case(621, "garbage", kinds=_PSK, sends="NULs, FF, HTTP, each on a connection", right=CLOSED)
def garbage(target: Target) -> None:
    """Send bytes that cannot begin a proof."""
    for data in (b"\0" * 64, b"\xff" * 64, b"GET / HTTP/1.1\r\n\r\n", b"\xef\xbb\xbfTCPCOMM-PSK/1 PROOF "):
        with ExitStack() as stack:
            peer, _ = _challenged(target, stack)
            _refused(target, peer, data)


@case(622, "empty lines", kinds=_PSK, sends="LF, CR LF, then a good proof", right=CLOSED)
def empty_lines(target: Target) -> None:
    """Send an empty line before a good proof."""
    for line in (b"\n", b"\r\n", b" \n"):
        with ExitStack() as stack:
            peer, theirs = _challenged(target, stack)
            _refused(target, peer, line + target.proof(theirs))


@case(623, "CR before LF", kinds=_PSK, sends="a good proof that ends with CR LF", right=CLOSED)
def cr_lf(target: Target) -> str | None:
    """End a good proof with CR LF: lines of the exchange end with LF."""
    return _almost(target, lambda line: line[:-1] + b"\r\n")


@case(624, "white space", kinds=_PSK, sends="two spaces, tabs, a space at the end", right=CLOSED)
def white_space(target: Target) -> None:
    """Use other white space than one space between the words."""
    changes: list[Callable[[bytes], bytes]] = [
        lambda line: line.replace(b" ", b"  ", 1),
        lambda line: line.replace(b" ", b"\t"),
        lambda line: line[:-1] + b" \n",
        lambda line: b" " + line,
    ]
    for change in changes:
        if told := _almost(target, change):
            wrong(told)


def _almost(target: Target, change: Callable[[bytes], bytes]) -> str | None:
    """Send a good proof after a small change. It must be refused; accepting it is told."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        peer.send(change(target.proof(theirs)))
        state = peer.end(within=target.options.patience)
        if _ACCEPT in peer.received:
            return "accepted a line of another form"
        if state is OPEN:
            wrong("neither accepted nor refused a line of another form")
        return None


@case(
    625, "upper-case HMAC", kinds=_PSK, sends="the HMAC in upper case", right=f"{CLOSED}; told if accepted"
)
def upper_mac(target: Target) -> str | None:
    """Write the HMAC in upper case."""
    return _almost(target, lambda line: line[:-65] + line[-65:].upper())


@case(626, "truncated HMAC", kinds=_PSK, sends="0, 2, 32 and 63 digits of the HMAC", right=CLOSED)
def truncated_mac(target: Target) -> None:
    """Send only the first digits of a good HMAC."""

    def cut(line: bytes, length: int) -> bytes:
        return line[:-65] + line[-65 : -65 + length] + b"\n"

    for length in (0, 2, 32, 63):
        if told := _almost(target, partial(cut, length=length)):
            wrong(told)


@case(627, "HMAC with more digits", kinds=_PSK, sends="a good HMAC and more digits", right=CLOSED)
def longer_mac(target: Target) -> None:
    """Put digits behind a good HMAC."""
    if told := _almost(target, lambda line: line[:-1] + b"00\n"):
        wrong(told)


@case(628, "one bit of the HMAC", kinds=_PSK, sends="a good HMAC with one bit changed", right=CLOSED)
def one_bit(target: Target) -> None:
    """Change the last bit of a good HMAC."""
    if told := _almost(target, lambda line: line[:-2] + bytes([line[-2] ^ 1]) + b"\n"):
        wrong(told)


@case(
    629, "odd nonces", kinds=_PSK, sends="nonces of 0, 62, 66 digits, in upper case, not hex", right=CLOSED
)
def odd_nonces(target: Target) -> None:
    """Prove the key with nonces of another form."""
    for nonce in ("", "a" * 62, "a" * 66, "A" * 64, "g" * 64, "é" * 32, "a" * 120):
        with ExitStack() as stack:
            peer, theirs = _challenged(target, stack)
            _refused(target, peer, target.proof(theirs, nonce))


@case(630, "nonce of NULs", kinds=_PSK, sends="a good proof with the nonce 00…", right="ACCEPT, or the end")
def zero_nonce(target: Target) -> str:
    """Prove the key with a nonce that is not random: it weakens only the peer that sends it."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        peer.send(target.proof(theirs, "0" * 64))
        peer.receive_until(lambda data: b"\n" in data, within=1.0)
        return "accepted" if _ACCEPT in peer.received else "refused"


@case(631, "another server's name", kinds=_PSK, sends="a proof for another server", right=CLOSED)
def other_server(target: Target) -> None:
    """Prove the key to another server than this one, as a proof that is passed on would be."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        _refused(target, peer, target.proof(theirs, server="another-server"))


@case(632, "names that are swapped", kinds=_PSK, sends="the server's name as ours", right=CLOSED)
def swapped_names(target: Target) -> None:
    """Use the name of the target as ours."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        own, _ = target.identity()
        _refused(target, peer, target.proof(theirs, name=target.options.server or "server", server=own))


@case(633, "odd names", kinds=_PSK, sends="names with paths, line ends, 1,000 characters", right=CLOSED)
def odd_names(target: Target) -> None:
    """Use names that a log, a file or a line could choke on."""
    for name in ("", "../keys", "a" * 150, "-", "\x1b[2J", "%s%n", "ROBOT-1", "robot-1 ", "*", "{0}"):
        if name == target.identity()[0]:
            continue
        with ExitStack() as stack:
            peer, theirs = _challenged(target, stack)
            _refused(target, peer, target.proof(theirs, name=name))


@case(634, "lines of the other side", kinds=_PSK, sends="CHALLENGE and ACCEPT", right=CLOSED)
def other_lines(target: Target) -> None:
    """Send the lines that only the target may send."""
    for kind in (
        f"CHALLENGE {secrets.token_hex(32)}",
        f"ACCEPT {secrets.token_hex(32)}",
        "REJECT",
        "PROOF",
    ):
        with ExitStack() as stack:
            peer, _ = _challenged(target, stack)
            _refused(target, peer, f"{PSK_VERSION} {kind}\n".encode())


@case(635, "challenge sent back", kinds=_PSK, sends="each line of the target, as it came", right=CLOSED)
def echoed(target: Target) -> None:
    """Send the target its own challenge."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        _refused(target, peer, f"{PSK_VERSION} CHALLENGE {theirs}\n".encode())


@case(
    636, "other hashes", kinds=_PSK, sends="HMACs by SHA-1, MD5 and SHA-512, a plain SHA-256", right=CLOSED
)
def other_hashes(target: Target) -> None:
    """Prove the key by another algorithm: there is nothing to choose."""
    name, key = target.identity()
    for algorithm in ("sha1", "md5", "sha512", "sha224", "sha3_256"):
        with ExitStack() as stack:
            peer, theirs = _challenged(target, stack)
            ours = secrets.token_hex(32)
            lines = f"{PSK_VERSION}\ndialler\n{name}\n{target.options.server}\n{ours}\n{theirs}\n"
            mac = hmac.new(key, lines.encode(), algorithm).hexdigest()
            _refused(target, peer, f"{PSK_VERSION} PROOF {name} {ours} {mac}\n".encode())


@case(637, "HMAC of other lines", kinds=_PSK, sends="an HMAC without the last LF, with CR LF, by words",
      right=CLOSED)  # fmt: skip
def other_lines_in_mac(target: Target) -> None:
    """Prove the key over lines that are joined in another way."""
    name, key = target.identity()
    for end, last in (("\n", ""), ("\r\n", "\r\n"), (" ", ""), ("", "")):
        with ExitStack() as stack:
            peer, theirs = _challenged(target, stack)
            ours = secrets.token_hex(32)
            words = (PSK_VERSION, "dialler", name, target.options.server, ours, theirs)
            mac = hmac.new(key, (end.join(words) + last).encode(), "sha256").hexdigest()
            _refused(target, peer, f"{PSK_VERSION} PROOF {name} {ours} {mac}\n".encode())


@case(638, "half close in the exchange", kinds=_PSK, sends="FIN behind the challenge", right=CLOSED)
def half_close(target: Target) -> None:
    """Close the sending direction before a proof."""
    with ExitStack() as stack:
        peer, _ = _challenged(target, stack)
        peer.finish()
        target.must_close(peer)


@case(639, "half a proof, FIN", kinds=_PSK, sends="half a proof, FIN", right=CLOSED)
def half_proof(target: Target) -> None:
    """Close the sending direction inside a proof."""
    with ExitStack() as stack:
        peer, theirs = _challenged(target, stack)
        peer.send(target.proof(theirs)[:80])
        peer.finish()
        target.must_close(peer)
        if _ACCEPT in peer.received:
            wrong("accepted half a proof")


@case(
    640,
    "reset in the exchange",
    kinds=_PSK,
    sends="RST behind the challenge, 100 times",
    right=OTHERS_SERVED,
)
def reset(target: Target) -> None:
    """Reset a hundred connections behind the challenge."""
    for _ in range(100):
        with suppress(CannotConnect), target.connect() as peer:
            target.challenge(peer)
            peer.reset()


@case(641, "silent newcomers", kinds=_PSK, sends="nothing on 20 connections, renewed for 3 s",
      right="a peer with another address that proves itself is served within a second")  # fmt: skip
def silent_newcomers(target: Target) -> str:
    """Hold twenty connections that prove nothing, and renew those that are dropped."""
    return _silent_newcomers(target, NEWCOMER)


@case(646, "silent newcomers at one address", kinds=_PSK, sends="nothing on 20 connections for 3 s",
      right="a peer with the same address that proves itself is served within a second")  # fmt: skip
def silent_newcomers_here(target: Target) -> str:
    """Hold twenty connections that prove nothing, at the address of a good peer, as behind a router."""
    return _silent_newcomers(target, ATTACKER)


def _silent_newcomers(target: Target, address: int) -> str:
    began, longest, worst = monotonic(), 0, 0.0
    held: list[Connection] = []
    try:
        while monotonic() - began < 3.0:
            held = [peer for peer in held if not _is_over(peer)]
            while len(held) < 20:
                try:
                    held.append(target.connect(within=0.5))
                except CannotConnect:
                    break
            longest = max(longest, len(held))
            worst = max(worst, _served_within(target, address))
            sleep(0.2)
    finally:
        for peer in held:
            peer.close()
    return f"{longest} held; a good newcomer waited at most {worst * 1000:.0f} ms"


def _is_over(peer: Connection) -> bool:
    return peer.end(within=0.002) is not OPEN


def _served_within(target: Target, address: int) -> float:
    """Connect as a good peer until it is served, and return the seconds that this took."""
    began = monotonic()
    while True:
        with suppress(CannotConnect), target.open(role=NEWCOMER, address=address) as peer:
            if target.ask(peer) == ANSWERED:
                return monotonic() - began
        if monotonic() - began > target.options.within:
            wrong(f"strangers that prove nothing keep a good peer out for {target.options.within:g} s")
        sleep(0.02)


@case(642, "wrong proofs, then a good one", kinds=_PSK, sends="50 wrong proofs under our own name",
      right="a good proof is accepted at once")  # fmt: skip
def no_lockout(target: Target) -> None:
    """Send fifty wrong proofs under the name of a good peer: that must not lock the good peer out."""
    for _ in range(50):
        with suppress(CannotConnect), ExitStack() as stack:
            peer, theirs = _challenged(target, stack)
            peer.send(target.proof(theirs, key=secrets.token_bytes(32)))
    good_proof(target)


@case(643, "wrong proof under the bystander's name", kinds=_PSK, sends="wrong proofs under its name",
      right="its session goes on")  # fmt: skip
def no_eviction(target: Target) -> None:
    """Send wrong proofs under the name of a peer that has a session: they must not end that session."""
    name, _ = target.identity(1)
    for _ in range(5):
        with suppress(CannotConnect), ExitStack() as stack:
            peer, theirs = _challenged(target, stack)
            _refused(target, peer, target.proof(theirs, name=name, key=secrets.token_bytes(32)))


@case(644, "one name twice", kinds=_PSK, sends="two good proofs of one name on two connections",
      right="one of them is served; the other one is served, closed, or refused with a reason")  # fmt: skip
def same_name_twice(target: Target) -> str:
    """Prove one name on two connections at once, as two machines with one configuration do."""
    with target.open() as old:
        try:
            new = target.open()
        except CannotConnect as error:
            if PSK_VERSION not in str(error) or target.ask(old) != ANSWERED:
                wrong(f"served neither session of a proven name: {error}")
            return f"the new session was refused: {error}"
        with new:
            if target.ask(new) != ANSWERED:
                wrong("did not serve the new session of a proven name")
            return "both are served" if old.end(within=0.3) is OPEN else "the old session was closed"


@case(645, "two hosts fight for one name", kinds=_PSK, sends="20 sessions of one name in turn",
      right=OTHERS_SERVED)  # fmt: skip
def fight(target: Target) -> str:
    """Connect again and again under one name, as two machines with one configuration do."""
    served = 0
    for _ in range(20):
        with suppress(CannotConnect), target.open() as peer:
            served += target.ask(peer, within=1.0) == ANSWERED
    return f"{served} of 20 were served"
