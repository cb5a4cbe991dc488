"""One instrument a file: bands, quality flags, offsets and how to tell two acquisitions apart."""
