"""The running proxy: what a process needs besides its sessions (start, signals, registry, recorder, end)."""
