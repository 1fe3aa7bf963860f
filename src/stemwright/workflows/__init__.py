"""What the tool does, step by step: each workflow is a generator of `Progress` that ends in an `Outcome`."""
