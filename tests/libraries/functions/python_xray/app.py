from aws_xray_sdk.core import xray_recorder


@xray_recorder.capture("find user")
def find(path):
    xray_recorder.put_annotation("path", path)
    return 7


def handler(event, context):
    return {"found": find(event.get("rawPath", event.get("path")))}
