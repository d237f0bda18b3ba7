"""The Train page: a form that launches runs, the table of all runs, and details of the selected ones."""
