"""Webhooks: a subscription is a filter over the log and a cursor in it.

Nothing is fired from a view or a service: what is recorded is delivered, at least once and in the
order of the log, by `audit.webhooks.delivery`.
"""
