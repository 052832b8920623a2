"""The kinds of framing that a guess tries: each proposes itself from statistics, cuts, and has a price."""
