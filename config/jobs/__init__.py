"""Jobs in the background that survive their workers: a row, a lease, attempts. Imports no app."""
