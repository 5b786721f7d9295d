"""What people write: addresses, BUILD.toml with positions, defaults, the workspace."""
