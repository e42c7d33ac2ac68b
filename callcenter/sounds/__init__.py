"""What people hear: prompts made by a speech synthesiser, put on a shelf where a person's own files always win."""
