"""The published contracts, played against the whole application."""
