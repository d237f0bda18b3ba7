"""Studies that answered a question once; what the product promises is measured in benchmarks/."""
