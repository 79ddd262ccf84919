"""Attestation packages: what they hold, their seal, and how they are printed."""
