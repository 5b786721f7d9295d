"""One file per target type: its fields, its recipe, its result."""
