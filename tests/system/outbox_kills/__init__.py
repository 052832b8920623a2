"""A program with an outbox is killed at each step, again and again, and loses nothing acknowledged."""
