"""NAT Lab's core: architectures, networks, learning. It knows nothing of the web front end."""
