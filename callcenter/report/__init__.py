"""From a question (which days, which line) to the report as a document."""
