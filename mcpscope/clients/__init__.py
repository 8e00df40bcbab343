"""The configuration files of MCP clients: which servers they start, and mcpscope put in front of them."""
