"""Sinks of the plant against the real brokers and databases."""
