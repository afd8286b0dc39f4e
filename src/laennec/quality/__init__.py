"""Data quality: the checks of the OHDSI Data Quality Dashboard, as scans of person buckets."""
