"""The rules that a network puts on whitelist entries (reference/incumbent-deployments, 1.5).

Pure. Each rule is checked on the entry as it would be after the write.
"""
