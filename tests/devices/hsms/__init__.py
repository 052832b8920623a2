"""Tests of :mod:`tcpcomm.devices.hsms`."""
