"""Tests of the sinks without their servers."""
