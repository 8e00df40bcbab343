"""mcpscope: a record-and-replay debugging proxy for the Model Context Protocol."""
