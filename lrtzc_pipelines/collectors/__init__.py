"""Processes that listen all the time, and what they write down for the night."""
