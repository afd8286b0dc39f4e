"""What every layer stands on: errors, clock, settings, progress. Knows nothing of health data."""
