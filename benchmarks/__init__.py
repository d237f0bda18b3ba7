"""What the project promises, measured: quality of policies, costs, and speed."""
