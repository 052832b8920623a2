"""Endpoints, TLS, pre-shared keys, certificates, and network errors in plain words."""
