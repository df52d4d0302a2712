"""Triggers: when a job runs."""
