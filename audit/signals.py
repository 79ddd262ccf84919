"""`event_recorded`: sent inside the transaction that recorded the events.

Receivers get `events`, a tuple of `audit.body.EventDraft`. This is how lower floors reach the
status without importing it (design, section 2, idea 3).
"""

from django.dispatch import Signal

event_recorded = Signal()
