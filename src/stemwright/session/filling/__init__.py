"""The user's own project as a template: which of its tracks takes which stem, and the proof that it did."""
