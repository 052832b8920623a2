"""The outbox: messages on the disk until their sinks confirm them, and receivers that find duplicates."""
