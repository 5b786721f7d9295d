"""What can be said of images and of the graph: contents, bills of materials, differences, faults."""
