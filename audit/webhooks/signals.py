"""What the tasks listen to."""

from django.dispatch import Signal

delivery_wanted = Signal()
"""A subscription has something to deliver: `subscription_id`."""
