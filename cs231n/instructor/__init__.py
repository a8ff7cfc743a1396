"""What an instructor has and a student must not have: release, grading, reports, the known mistakes."""
