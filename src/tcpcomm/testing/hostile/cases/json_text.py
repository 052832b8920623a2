"""JSON that is wrong, odd or huge. Numbers 401 to 449."""

from __future__ import annotations

import json

from tcpcomm.testing.hostile.case import OTHERS_SERVED, SERVED_OR_CLOSED, case
from tcpcomm.testing.hostile.target import ANSWERED, Target
from tcpcomm.testing.hostile.verdict import JSON, JSON_RPC, wrong

_JSON = (JSON, JSON_RPC)


def _sent(target: Target, text: bytes) -> str:
    """Send a line, then a good request."""
    return target.served_or_closed(target.wire(text))


def _with(target: Target, member: str) -> bytes:
    """Return the good request with one more member, as text."""
    return target.options.ask.rstrip()[:-1] + b"," + member.encode() + b"}"


@case(401, "deep lists", kinds=_JSON, sends="100,000 [, then a request")
def deep_lists(target: Target) -> None:
    """Nest a hundred thousand lists."""
    _sent(target, b"[" * 100_000)


@case(402, "deep objects", kinds=_JSON, sends='20,000 times {"a":, then a request')
def deep_objects(target: Target) -> None:
    """Nest twenty thousand objects."""
    _sent(target, b'{"a":' * 20_000 + b"1" + b"}" * 20_000)


@case(403, "deep member", kinds=_JSON, sends="a request with a member of 5,000 lists")
def deep_member(target: Target) -> None:
    """Nest lists in a member of a good request."""
    _sent(target, _with(target, '"x":' + "[" * 5000 + "]" * 5000))


@case(404, "duplicate keys", kinds=_JSON, sends="a request with each key twice",
      right="an error, or one of both is taken; others are served")  # fmt: skip
def duplicate_keys(target: Target) -> None:
    """Give the first key of a request twice, with two values."""
    first = next(iter(target.options.json_ask()))
    _sent(target, _with(target, f"{json.dumps(first)}:null"))


@case(405, "huge integer", kinds=_JSON, sends="a member of 100,000 digits")
def huge_integer(target: Target) -> None:
    """Send an integer of a hundred thousand digits, whose conversion takes quadratic time."""
    _sent(target, _with(target, '"x":' + "9" * 100_000))


@case(406, "huge exponent", kinds=_JSON, sends="1e400, -1e400, 1e-400")
def huge_exponent(target: Target) -> None:
    """Send numbers that no float can hold."""
    _sent(target, _with(target, '"x":[1e400,-1e400,1e-400,1E999999999]'))


@case(407, "NaN", kinds=_JSON, sends="NaN, Infinity, -Infinity, which are not JSON")
def not_a_number(target: Target) -> None:
    """Send the words for numbers that are not numbers."""
    _sent(target, _with(target, '"x":[NaN,Infinity,-Infinity]'))


@case(408, "lone surrogates", kinds=_JSON, sends=r'"\ud800" as a member')
def lone_surrogates(target: Target) -> None:
    """Send half of a character as an escape."""
    _sent(target, _with(target, r'"x":"\ud800 \udfff \udfff\ud800"'))


@case(409, "lone surrogate as a key", kinds=_JSON, sends=r'a member "\udcff"')
def surrogate_key(target: Target) -> None:
    """Send half of a character as a key, which a log or an error may repeat."""
    _sent(target, _with(target, r'"\udcff":1'))


@case(410, "byte order mark", kinds=_JSON, sends="EF BB BF, a request")
def mark(target: Target) -> None:
    """Begin a message with a byte order mark, which JSON forbids."""
    _sent(target, b"\xef\xbb\xbf" + target.options.ask)


@case(411, "UTF-16", kinds=_JSON, sends="a request in UTF-16")
def utf16(target: Target) -> None:
    """Write a request in UTF-16 without its end of line."""
    _sent(target, target.options.ask.decode().encode("utf-16"))


@case(412, "UTF-32", kinds=_JSON, sends="a request in UTF-32, little endian")
def utf32(target: Target) -> None:
    """Write a request in UTF-32."""
    _sent(target, target.options.ask.decode().encode("utf-32-le"))


@case(413, "NUL in text", kinds=_JSON, sends=r'"\u0000" as a member')
def nul(target: Target) -> None:
    """Send NUL as an escape in a text."""
    _sent(target, _with(target, r'"x":"a\u0000b"'))


@case(414, "raw control characters", kinds=_JSON, sends="a tab and ESC inside a text, which JSON forbids")
def raw_controls(target: Target) -> None:
    """Send control characters in a text without escapes."""
    _sent(target, _with(target, '"x":"a\tb\x1b[2Jc"'))


@case(415, "not an object", kinds=_JSON, sends='1, "a", true, null, each as a message')
def not_an_object(target: Target) -> None:
    """Send values that are JSON and not objects."""
    _sent(target, target.delimiter.join([b"1", b'"a"', b"true", b"null", b"-0.0", b"1.5"]))


@case(416, "empty object", kinds=_JSON, sends="{}, then a request")
def empty_object(target: Target) -> None:
    """Send an object without members."""
    _sent(target, b"{}")


@case(417, "truncated", kinds=_JSON, sends="a request without its last brace")
def truncated(target: Target) -> None:
    """End a line inside an object."""
    _sent(target, target.options.ask[:-1])


@case(418, "trailing comma", kinds=_JSON, sends="a request with a comma before its last brace")
def trailing_comma(target: Target) -> None:
    """Write a comma too many, as JavaScript allows."""
    _sent(target, target.options.ask[:-1] + b",}")


@case(419, "comments", kinds=_JSON, sends="a request with /* */ and //")
def comments(target: Target) -> None:
    """Write comments, which JSON does not have."""
    _sent(target, b"/* a */" + target.options.ask + b"// b")


@case(420, "single quotes", kinds=_JSON, sends="a request in single quotes")
def single_quotes(target: Target) -> None:
    """Write texts in single quotes, as Python prints them."""
    _sent(target, target.options.ask.replace(b'"', b"'"))


@case(421, "two objects in one line", kinds=_JSON, sends="two requests without an end of line between",
      right="an error, or both are answered")  # fmt: skip
def two_objects(target: Target) -> None:
    """Write two requests in one line."""
    _sent(target, target.options.ask + target.options.ask)


@case(422, "object over two lines", kinds=_JSON, sends="a request with a line end between its members")
def over_two_lines(target: Target) -> None:
    """Write one request over two lines."""
    ask = target.options.ask
    _sent(target, ask[:1] + target.delimiter + ask[1:])


@case(423, "10,000 members", kinds=_JSON, sends="a request with 10,000 unknown members")
def many_members(target: Target) -> None:
    """Send a request with ten thousand members that nobody knows."""
    _sent(target, _with(target, ",".join(f'"x{index}":{index}' for index in range(10_000))))


@case(424, "colliding keys", kinds=_JSON, sends="one key of 100,000 characters")
def long_key(target: Target) -> None:
    """Send a key of a hundred thousand characters."""
    _sent(target, _with(target, f'"{"k" * 100_000}":1'))


@case(425, "400,000 elements", kinds=_JSON, sends="[1,1,1,…] with 400,000 elements",
      right=f"{OTHERS_SERVED}; {SERVED_OR_CLOSED}")  # fmt: skip
def many_elements(target: Target) -> str | None:
    """Send a list of four hundred thousand numbers: others must not wait for it."""
    amount = min(400_000, target.options.limit // 2 - 2)
    return _large(target, b"[" + b"1," * (amount - 1) + b"1]")


@case(426, "a member of 400,000 elements", kinds=_JSON, sends="a request with a list of 400,000 numbers")
def many_elements_in_member(target: Target) -> str | None:
    """Send a request with a list of four hundred thousand numbers."""
    amount = min(400_000, target.options.limit // 2 - 200)
    return _large(target, _with(target, '"x":[' + "1," * (amount - 1) + "1]"))


def _large(target: Target, text: bytes) -> str | None:
    with target.open() as peer:
        peer.send(target.wire(text), within=target.patient(3.0))
        peer.receive(0.2)
        outcome = target.ask(peer, within=target.patient(8.0))
        if outcome == "silent":
            wrong("neither answered the request that followed nor closed the connection")
        return None if outcome == ANSWERED else outcome


@case(427, "escaped keys", kinds=_JSON, sends=r"a request with its keys as \uXXXX", right="it is answered")
def escaped_keys(target: Target) -> str | None:
    """Write the keys of a request as escapes, which mean the same."""
    message = target.options.json_ask()
    if target.kind == JSON_RPC:
        message["id"] = 7
    text = "{" + ",".join(f'"{_escaped(key)}":{json.dumps(value)}' for key, value in message.items()) + "}"
    with target.open() as peer:
        peer.send(target.wire(text.encode()))
        marker = b'"result"' if target.kind == JSON_RPC else target.options.expect
        if peer.receive_until(lambda data: marker in data, within=target.options.within):
            return None
        return f"did not answer: {bytes(peer.received[:60])!r}"


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


@case(428, "white space", kinds=_JSON, sends="a request with spaces and tabs between its parts",
      right="it is answered")  # fmt: skip
def white_space(target: Target) -> None:
    """Write a request with white space at each place that allows it."""
    with target.open() as peer:
        text = target.options.ask.replace(b":", b" \t: ").replace(b",", b" , ")
        peer.send(target.wire(b"  " + text + b"  "))
        marker = b'"result"' if target.kind == JSON_RPC else target.options.expect
        if not peer.receive_until(lambda data: marker in data, within=target.options.within):
            wrong(f"did not answer a request with white space: {bytes(peer.received[:60])!r}")


@case(429, "names of JavaScript", kinds=_JSON, sends="__proto__ and constructor as members")
def prototype(target: Target) -> None:
    """Send members that change every object in a careless JavaScript program."""
    _sent(target, _with(target, '"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}}'))
