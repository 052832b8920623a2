"""Tests of Cognex's In-Sight in native mode."""
