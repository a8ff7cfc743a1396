"""What runs in the sandbox, next to a student's code: nothing here holds a solution or an expectation."""
