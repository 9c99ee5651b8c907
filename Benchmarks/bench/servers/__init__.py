"""Servers that belong to one measurement, on loopback or a socket, and end with it."""
