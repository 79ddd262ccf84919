"""How a token was issued."""
