"""Patterns of the texts that can be a code of a fault: :func:`texts_of_code`, :func:`with_code_except`."""

from __future__ import annotations

from tcpcomm.codec.template.regex_tree import (
    Except,
    Maybe,
    Named,
    Run,
    Seq,
    TextPattern,
    chars,
    literal,
)


def texts_of_code(code: int | str, digits: str) -> TextPattern:
    """Return the pattern of all texts that can be a code, in decimal (d) or hexadecimal (x) digits."""
    blanks = Run(chars(" "), 0, None)
    if isinstance(code, str):
        return Seq((literal(code), blanks))
    signs = chars("+-" if code == 0 else "-" if code < 0 else "+")
    number = Seq(Run(chars({each.lower(), each.upper()}), 1, 1) for each in format(abs(code), digits))
    return Seq((blanks, Run(signs, code < 0, 1), blanks, Run(chars("0"), 0, None), number, blanks))


def with_code_except(pattern: TextPattern, success: TextPattern) -> TextPattern:
    """Return a pattern of faults without those that have the code of success."""
    match pattern:
        case Named(name="code"):
            return Named("code", Except(pattern.item, success))
        case Seq():
            return Seq(with_code_except(each, success) for each in pattern.items)
        case Maybe():
            return Maybe(with_code_except(pattern.item, success))
    return pattern
