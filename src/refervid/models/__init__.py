"""Networks written here; they know torch and transformers, and nothing of engines."""
