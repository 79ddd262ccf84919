"""Correlation ids, structured logs, metrics and health. Imports no app."""
