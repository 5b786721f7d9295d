"""Plan what must run, run it in parallel, explain why."""
