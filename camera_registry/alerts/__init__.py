"""Alerts: who hears of what, once, in words that can be acted on.

Reads incidents and transitions from a cursor of its own, never probes, and is never called by ingest.
"""
