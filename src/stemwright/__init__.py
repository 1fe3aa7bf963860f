"""stemwright: gets stems from a song to a mix engineer without a mistake."""

__version__ = "0.1.0"
