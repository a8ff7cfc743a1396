"""Where submissions run: the grader's side. What runs next to a student's code is in the folder inside/."""
