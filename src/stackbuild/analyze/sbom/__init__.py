"""Bills of materials: what an image holds, from what was locked and from the databases of its layers."""
