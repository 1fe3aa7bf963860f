"""From stems to a DAW session: arrange it once, write it in any format."""
