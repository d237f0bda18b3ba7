"""The Train page: a form that launches runs, the table of all runs, and what each of them does."""
