"""`--report`: a page that shows where the time of a build went, and what was reused."""
