"""The cost of a gateway of many links: ``python -m tests.system.plant_load``."""
