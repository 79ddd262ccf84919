"""Who: users, roles, issuers, tokens (the ownership record) and credentials."""
