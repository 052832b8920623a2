"""Tools for any Twisted program: timers, log throttles, eager coroutines, a watchdog, log formats."""
