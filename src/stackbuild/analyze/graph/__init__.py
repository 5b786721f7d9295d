"""The graph of targets, drawn: Graphviz, Mermaid, JSON, and a page to look around in."""
