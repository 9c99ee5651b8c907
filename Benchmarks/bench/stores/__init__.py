"""What was written, as a number of rows and a hash."""
