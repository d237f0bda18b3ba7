"""The Learn page: the method in five short steps, every one of them live."""
