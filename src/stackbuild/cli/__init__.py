"""What people type: one small file per family of commands."""
