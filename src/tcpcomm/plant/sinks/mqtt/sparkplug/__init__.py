"""Sparkplug B 3.0: the node's births, sequence numbers and aliases, and its payloads."""
