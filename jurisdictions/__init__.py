"""Which rules apply: packs, facts catalogue, the evaluating engine."""
