"""The workspace as a graph of targets."""
