"""The endpoints of the record, its status and its reports. One module a noun."""
