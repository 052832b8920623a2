"""Tests of the room plant."""
