"""Why a session hangs: what waits, what the processes do. May import store, control and what lies below."""
