"""What comes out: OCI layouts, archives, reports."""
