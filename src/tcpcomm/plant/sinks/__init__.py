"""The sinks of an outbox: brokers, databases and files."""
