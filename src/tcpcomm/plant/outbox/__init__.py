"""An outbox: messages on disk until their sinks have confirmed them."""
