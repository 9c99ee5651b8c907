"""Data made from a seed."""
