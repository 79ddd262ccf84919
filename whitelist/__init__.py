"""Who may hold a token."""
