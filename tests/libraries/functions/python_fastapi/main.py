from fastapi import FastAPI, Request, Response
from mangum import Mangum
from pydantic import BaseModel

app = FastAPI()


class User(BaseModel):
    name: str
    age: int


@app.get("/users/{number}")
async def find(number: int, verbose: bool, request: Request):
    return {"number": number, "verbose": verbose, "id": request.scope["aws.context"].aws_request_id}


@app.post("/users/{number}")
def rename(number: int, user: User, response: Response):
    response.set_cookie("seen", "1")
    return {"number": number, "user": user}


handler = Mangum(app)
