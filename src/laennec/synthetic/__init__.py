"""Synthetic sources: coherent made-up data in real layouts, with the truth beside it."""
