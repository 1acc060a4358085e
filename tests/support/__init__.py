"""What tests of several packages import: pytest puts the folder `tests` on the path."""
