"""What an application's own tests may use."""
