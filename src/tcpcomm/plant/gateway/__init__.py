"""The gateway: many links, what it polls and forwards, and the commands that a broker may give."""
