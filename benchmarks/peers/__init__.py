"""Other people's libraries, one adapter each. They run in environments of their own."""
