"""The running example: real shopping, and a guide that learns from it."""
