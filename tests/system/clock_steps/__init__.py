"""Programs whose wall clock a test sets while their peers hang."""
