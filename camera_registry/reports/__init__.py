"""Reports: each a frozen value, built once and drawn by whoever shows it."""
