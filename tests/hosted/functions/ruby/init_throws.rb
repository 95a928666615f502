raise IndexError, "no database"
