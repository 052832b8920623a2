"""A proxy between two real programs that delays, cuts or drops the bytes between them."""
