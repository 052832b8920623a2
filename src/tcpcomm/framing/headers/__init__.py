"""Framings with a header that says how long the frame is, in more ways than by a field of fixed width."""
