"""Writing the rules. Every function is one transaction with its events."""
