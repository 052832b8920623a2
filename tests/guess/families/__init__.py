"""The conversations of the bench, by family: devices, private protocols, and streams without a framing."""
