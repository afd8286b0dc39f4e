"""A study and a source of person buckets become one partial result."""
