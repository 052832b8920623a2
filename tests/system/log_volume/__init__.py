"""Peers that make a program log as much as they can, and the bytes of its log: :mod:`.measure`."""
