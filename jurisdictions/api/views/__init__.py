"""The endpoints of the rules and of what is recorded for them. One module a noun."""
