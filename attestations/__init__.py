"""Evidence: what somebody attested about a wallet, a token or an issuer."""
