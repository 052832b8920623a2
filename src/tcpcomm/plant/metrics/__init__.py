"""Figures for Prometheus, health for supervisors, and the dashboard that shows them."""
