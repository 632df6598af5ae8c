"""Callers who mean harm, and stores that are away."""
