"""Run the tests as on other systems: on other reactors, without what Windows lacks, on other Pythons."""
