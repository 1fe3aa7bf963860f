"""One rule a file, found by `audit.catalogue()`; the docstring of its function is its manual."""
