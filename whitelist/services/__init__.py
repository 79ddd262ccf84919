"""Writing whitelists, their policies, and who may hold."""
