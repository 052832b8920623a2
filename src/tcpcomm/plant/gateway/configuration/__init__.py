"""The configuration of a gateway: ``plant.toml``, read and checked, with every mistake at once."""
