"""What of a point is to be mended: reported, waiting for money, being mended; who pays, and what it cost."""
