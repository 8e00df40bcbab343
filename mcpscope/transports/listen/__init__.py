"""The side where clients arrive: stdio, http, sse."""
