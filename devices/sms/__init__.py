"""Codes by text message: a phone with an inbox, and the carrier in between."""
