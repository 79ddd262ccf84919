"""How dates are written in the admin: ISO 8601, whatever the language."""
