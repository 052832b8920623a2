"""Programs that serve equipment: services, the echo server, the simulator, their options."""
