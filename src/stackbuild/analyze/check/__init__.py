"""What can be known of an image before anything runs: rules over the entries of its layers."""
