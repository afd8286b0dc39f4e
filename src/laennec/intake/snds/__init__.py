"""Loading a delivery of the SNDS: its files, their rows, and the buckets they end in."""
