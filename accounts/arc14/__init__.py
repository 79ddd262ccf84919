"""ARC-0014: proof of an Algorand account by a signed transaction that is never submitted."""
