"""What people read and fill in: pages, spreadsheets, marks."""
