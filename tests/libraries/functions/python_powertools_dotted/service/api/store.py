def rename(number, body):
    return {"number": number, **body}
