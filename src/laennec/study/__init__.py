"""The study language: what is asked, what it means, and how answers are put together."""
