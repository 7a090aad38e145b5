"""What is kept of a session: exports of its timeline."""
