"""Why targets were, or are to be, built: their recipes beside those of another time or place."""
