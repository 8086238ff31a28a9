"""What people ask and order at the command line: answers, and plans that go the one path of every change."""
