"""The Compare page: a benchmark's cells, and published and own architectures, by cost and accuracy."""
