"""A machine of a site's own: it asks the site's eyes, and delivers what it finds over HTTPS. No database."""
