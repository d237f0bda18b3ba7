"""One-time studies; the product's promises are measured in benchmarks/."""
