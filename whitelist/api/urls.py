"""Routes of whitelists: their entries and how they bind transfers."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
