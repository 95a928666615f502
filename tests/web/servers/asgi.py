"""An application of FastAPI, for uvicorn and hypercorn."""
from fastapi import FastAPI, Request, Response

from answers import answer

app = FastAPI(openapi_url=None)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@app.api_route("/{rest:path}", methods=METHODS)
async def everything(request: Request):
    target = request.scope["raw_path"].split(b"?")[0]
    query = request.scope["query_string"]
    if query:
        target += b"?" + query
    headers = [(name.decode("latin1"), value.decode("latin1")) for name, value in
               request.scope["headers"]]
    status, headers, body = answer(request.method, target.decode("latin1"), headers,
                                   await request.body())
    response = Response(body, status)
    for name, value in headers:
        response.raw_headers.append((name.lower().encode(), value.encode()))
    return response
