"""Tools for learning: devices, processes, files, checked values, ranks."""
