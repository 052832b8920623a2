"""The folder that is first in PYTHONPATH, so that each Python process runs its ``sitecustomize`` first."""
