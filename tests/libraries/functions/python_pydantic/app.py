from decimal import Decimal

from pydantic import BaseModel, ValidationError


class User(BaseModel):
    name: str
    age: Decimal


def handler(event, context):
    user = User.model_validate_json(event["body"])
    try:
        User(name="Ada", age="old")
    except ValidationError as error:
        return {"user": user.model_dump(), "errors": error.error_count()}
