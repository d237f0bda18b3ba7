"""The Learn page: the method in five short interactive steps."""
