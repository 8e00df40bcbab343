"""A session as one HTML page: ``html`` writes it, page.css and page.js are what it carries inside."""
