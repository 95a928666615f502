from chalice import Chalice, Response

app = Chalice(app_name="users")


@app.route("/users/{number}", methods=["POST"])
def rename(number):
    app.log.error("rename")
    body = app.current_request.json_body
    return Response(body={"number": number, "name": body["name"]}, status_code=201)
