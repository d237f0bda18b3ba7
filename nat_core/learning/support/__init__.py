"""What learning stands on: devices, processes, files, checked values, ranks."""
