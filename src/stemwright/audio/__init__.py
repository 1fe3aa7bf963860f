"""Audio files: what is in them, their chunks, their samples in blocks, and writing them exactly."""
