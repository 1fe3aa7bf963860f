"""One cure a module; see `stemwright.repair`."""
