"""Kinds of packages behind the `packages` target: what each resolves to, where it is, what it installs."""
