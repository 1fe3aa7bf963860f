"""One file per family of models; found by name, listed nowhere."""
