"""Measurements: how right the filter is, and how fast, beside other filters."""
