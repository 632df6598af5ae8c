"""Wattline: one energy-telemetry platform that serves five published API contracts from one engine."""

__version__ = "0.1.0"
