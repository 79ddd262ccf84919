"""The answer: metadata, network rules, status and reports."""
