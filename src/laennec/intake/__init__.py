"""Files in: read, checked field by field, put into person buckets, the rest into quarantine."""
