"""Tests of the C# generator that need no compiler."""
