"""Laennec: a sovereign health data hub. Questions go in, safe answers come out."""

__version__ = "0.1.0"
