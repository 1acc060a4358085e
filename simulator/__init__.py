"""What runs scenarios and owns true time; `docs/design.md` has the map of its floors."""
