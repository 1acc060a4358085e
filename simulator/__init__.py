"""What runs scenarios and owns true time."""
