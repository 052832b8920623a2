"""Tests of the devices that are ready to use."""
