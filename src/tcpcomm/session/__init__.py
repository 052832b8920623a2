"""One TCP connection: frames in, frames out, its limits, its heartbeats, and its observers."""
