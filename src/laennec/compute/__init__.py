"""Where tasks are worked on: threads of this process, or a Spark cluster."""
