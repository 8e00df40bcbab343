"""The side where servers are: a process, http, sse."""
