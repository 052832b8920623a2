"""Each framing that is broken on purpose is rejected by the law that names its fault."""

from __future__ import annotations

import pytest
from attrs import evolve

from tcpcomm.framing import Framing
from tcpcomm.testing import LAWS, check_framing_laws
from tcpcomm.testing.laws import laws
from tests.framing.broken import lengths, lines

BROKEN: list[tuple[Framing, laws.Law]] = [
    (lines.WholeLines(kind=lines.QuadraticDecoder), laws.linear_time),
    (lines.WholeLines(kind=lines.SlicingDecoder), laws.linear_time),
    (lines.WholeLines(kind=lines.RejectsSplitMaximumDecoder, max_frame=8), laws.chunk_invariance),
    (lines.WholeLines(kind=lines.RepeatsOversizeDecoder, max_frame=8), laws.oversize_once),
    (lines.WholeLines(kind=lines.NeverResynchronisesDecoder, max_frame=8), laws.resynchronisation),
    (lines.WholeLines(kind=lines.LosesMergedDecoder), laws.round_trip),
    (lines.WholeLines(kind=lines.DecodesFromStartDecoder), laws.round_trip),
    (lines.WholeLines(kind=lines.MissesSplitEndDecoder), laws.promptness),
    (lines.WholeLines(kind=lines.LosesFramesBeforeFaultDecoder, max_frame=8), laws.chunk_invariance),
    (lines.WholeLines(kind=lines.RaisesTwiceDecoder, max_frame=8), laws.progress),
    (lines.WholeLines(kind=lines.RaisesForEverDecoder, max_frame=8), laws.progress),
    (lines.WholeLines(kind=lines.HoldsBackDecoder), laws.promptness),
    (lines.WholeLines(kind=lines.DeliversPartsDecoder), laws.prefix_safety),
    (lines.WholeLines(kind=lines.SilentEndDecoder), laws.truncation),
    (lines.WholeLines(kind=lines.KeepsThroughSilenceDecoder), laws.silence),
    (lines.WholeLines(kind=lines.ForgetsTrailingDecoder), laws.handover),
    (lines.WholeLines(kind=lines.TextOfChunkDecoder, max_frame=8), laws.chunk_invariance),
    (lines.WholeLines(kind=lines.HoardsDecoder), laws.bounded_memory),
    (lines.WholeLines(kind=lines.GivesBuffersDecoder), laws.progress),
    (lines.TruncatingLines(max_frame=8), laws.encoder_refusal),
    (lines.CarelessLines(), laws.encoder_refusal),
    (lines.ForgetfulLines(), laws.round_trip),
    (lengths.WholeLengths(kind=lengths.DropsSplitHeaderDecoder), laws.chunk_invariance),
    (lengths.WholeLengths(kind=lengths.LimitsWrongLengthDecoder, max_frame=20), laws.encoder_refusal),
    (lengths.WholeLengths(kind=lengths.LimitsGenerouslyDecoder, max_frame=20), laws.oversize_once),
    (lengths.WholeLengths(kind=lengths.TrustsLengthDecoder), laws.bounded_memory),
    (lengths.WholeLengths(kind=lengths.ForgivesDecoder, max_frame=20), laws.stickiness),
    (lengths.WholeLengths(kind=lengths.CountsFromChunkDecoder, max_frame=20), laws.chunk_invariance),
    (lengths.WholeLengths(kind=lengths.AlwaysTruncatedDecoder), laws.truncation),
    (lengths.WholeLengths(kind=lengths.CrashesDecoder), laws.progress),
    (lengths.EarlyLengths(kind=lengths.DeliversEarlyDecoder), laws.prefix_safety),
    (lengths.PackedLengths(), laws.encoder_refusal),
    (lengths.PaddedLengths(), laws.encoder_refusal),
]


def name(value: object) -> str:
    kind = getattr(value, "kind", value)
    whole = kind in (lines.LineDecoder, lengths.LengthDecoder)
    return str(getattr(type(value) if whole else kind, "__name__", value))


@pytest.mark.parametrize(("framing", "law"), BROKEN, ids=name)
def test_a_broken_framing_is_rejected_by_the_law_it_breaks(framing: Framing, law: laws.Law) -> None:
    with pytest.raises(AssertionError, match=f"the law of {law.__name__.replace('_', ' ')}\n"):
        check_framing_laws(framing, laws=(law,), max_examples=300)


@pytest.mark.parametrize("framing", [lines.WholeLines(), lengths.WholeLengths()], ids=name)
@pytest.mark.parametrize("max_frame", [1, 8, 1000])
def test_the_base_classes_of_the_broken_framings_obey_the_laws(framing: Framing, max_frame: int) -> None:
    check_framing_laws(evolve(framing, max_frame=max_frame), max_examples=20)


def test_every_law_rejects_something() -> None:
    assert set(LAWS) == {law for _, law in BROKEN}
