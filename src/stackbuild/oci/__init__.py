"""OCI images: models, configuration, layouts and archives. Knows nothing of targets."""
