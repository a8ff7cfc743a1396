"""What an instructor has and a student must not have: the known mistakes, and the fingerprints made of them."""
