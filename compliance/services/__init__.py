"""Writing the record: metadata, computed status, reports. One module a noun."""
