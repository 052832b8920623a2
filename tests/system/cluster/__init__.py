"""A cluster of three brokers, gateways that deliver through it, and faults: nothing is lost."""
