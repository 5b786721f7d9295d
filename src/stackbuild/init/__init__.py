"""`stackbuild init`: a first BUILD.toml for what lies in a tree, or for what a Dockerfile says."""
