"""What a recorder has kept: read from its lists, never by playing anything back."""
