"""One indicator a file: the formula above, its declaration below."""
