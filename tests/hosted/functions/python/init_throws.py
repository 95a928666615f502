raise LookupError("no database")
