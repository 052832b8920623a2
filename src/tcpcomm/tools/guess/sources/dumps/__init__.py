"""The readers of dumps: bytes that a program has written as text, in one form each."""
