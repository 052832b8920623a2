"""The tests. This module needs no other package, so that programs beside pytest can import it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder of the project."""
