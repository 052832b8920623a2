"""Framings around the kinds: what stands around a stream is taken off, and the rest is guessed."""
