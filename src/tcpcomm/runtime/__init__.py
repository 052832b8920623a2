"""Tools that any Twisted program could use: timers, log throttles, eager coroutines, a watchdog, log formats."""
