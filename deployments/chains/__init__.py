"""The chains: one port (`deployments.chains.port`), and an adapter for each kind of network."""
