ANSWER = "imported from the package"
