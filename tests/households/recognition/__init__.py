"""Tests of wattline.households.recognition."""
