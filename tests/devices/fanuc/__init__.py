"""Tests of FANUC's Remote Motion Interface."""
