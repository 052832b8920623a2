"""Readers of captured bytes: packets, recordings and dumps. Each returns a Capture of one stream."""
