"""Claims about the database layer, and the databases that all claims are measured on."""
