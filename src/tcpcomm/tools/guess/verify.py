"""Verify a guess with the decoders of the framings: :func:`verified`. What they refuse is not proposed."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from attrs import frozen

from tcpcomm.errors import BadChecksum, ConfigurationError
from tcpcomm.framing.base import decode
from tcpcomm.framing.notation import parse_framing
from tcpcomm.tools.guess.cutting import Cut
from tcpcomm.tools.guess.side import Side


@frozen
class Verified:
    """
    The result of decoding a side.

    Attributes:
        frames: the number of frames that were decoded.
        faults: the faults that the decoder found, as texts.
        half: the bytes at the end that begin a frame.
        wrong: the checksums that do not fit their frames, as texts. They are no faults of the framing.
    """

    frames: int
    faults: tuple[str, ...]
    half: int = 0
    wrong: tuple[str, ...] = ()

    @property
    def share_of_wrong(self) -> float:
        """The share of the frames of which the checksum is wrong."""
        return len(self.wrong) / max(1, self.frames + len(self.wrong))


_MOST_FAULTS: Final = 5
_CHUNK_BY_CHUNK: Final = 5000  # chunks; behind them the decoder gets larger pieces, to save time
_PIECE: Final = 16 * 1024


def verified(notation: str, side: Side, cut: Cut) -> Verified:
    """Decode a side chunk by chunk, from the place where each run of frames begins."""
    try:
        framing = parse_framing(notation)
    except ConfigurationError as error:
        return Verified(0, (str(error),))
    frames, half = 0, 0
    faults: list[str] = []
    wrong: list[str] = []
    for index, run in enumerate(cut.runs):
        decoder = framing.decoder()
        last = index + 1 == len(cut.runs)
        following = len(side.data) if last else cut.runs[index + 1].start
        stop = min(following, run.stop)
        if not last and run.stop > stop:
            stop = run.ends[-1]  # a loss follows, so the rest is known to be half a frame
        position = run.ends[0] if run.doubtful and run.ends else run.start
        while position < stop and len(faults) < _MOST_FAULTS:
            at = bisect_right(side.chunks, position)
            end = min(stop, side.chunks[at] if at < len(side.chunks) else stop)
            if at > _CHUNK_BY_CHUNK:
                end = min(stop, max(end, position + _PIECE))
            for got in decode(decoder, side.data[position:end]):
                if isinstance(got, list):
                    frames += len(got)
                elif isinstance(got, BadChecksum) and got.recoverable:
                    wrong.append(got.reason)
                else:
                    faults.append(got.reason)
                    if not got.recoverable:
                        return Verified(frames, tuple(faults), wrong=tuple(wrong))
            position = end
        half = decoder.buffered
    return Verified(frames, tuple(faults), half, tuple(wrong))
