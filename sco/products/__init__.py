"""Publishing: one kind of output a file, staged, verified, sealed and swapped in by one rename."""
