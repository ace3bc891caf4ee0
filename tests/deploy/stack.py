#!/usr/bin/env python3
"""Deploys infra/template.yaml to an emulated AWS, and takes it away again.

usage: stack.py up DIST STACK [Parameter=value ...]    prints the outputs as KEY=value
       stack.py adopt STACK [Parameter=value ...]      the same for a stack that another tool deployed
       stack.py down STACK

DIST holds one folder a function with its `bootstrap`. AWS_ENDPOINT_URL says where the emulator
listens. Nothing is made that the template does not have: what the emulator leaves out of the
template is read from it and added to the resources that are there.
"""

import io
import os
import pathlib
import re
import sys
import time
import zipfile

import boto3
from translate import translate

TEMPLATE = pathlib.Path(__file__).parents[2] / "infra" / "template.yaml"
CODE_BUCKET = "deployment-code"
REGION = os.environ["AWS_DEFAULT_REGION"]


def client(name):
    return boto3.client(name, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")


def packaged(template, dist):
    """Uploads the bootstraps, as `sam package` does, and puts their places into the template."""
    s3 = client("s3")
    s3.create_bucket(Bucket=CODE_BUCKET)
    places = {}
    for folder in pathlib.Path(dist).iterdir():
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, (folder / "bootstrap").read_bytes())
        s3.put_object(Bucket=CODE_BUCKET, Key=folder.name, Body=archive.getvalue())
        places[folder.name] = f"s3://{CODE_BUCKET}/{folder.name}"
    pattern = r"(Binary: (\w+)\}\}\n    Properties:\n      CodeUri: )\.\.\n"
    text, count = re.subn(pattern, lambda found: f"{found[1]}{places[found[2]]}\n", template)
    if count != len(places):
        sys.exit(f"{count} functions of the template have code, and {len(places)} were built")
    return text


def wait_for(cloudformation, stack):
    while True:
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        if not described["StackStatus"].endswith("IN_PROGRESS"):
            return described
        time.sleep(0.2)


def up(dist, stack, parameters):
    started = time.monotonic()
    body = packaged(TEMPLATE.read_text(encoding="utf-8"), dist)
    s3 = client("s3")
    # A request takes 51,200 bytes of a template, an object 1 MB.
    s3.put_object(Bucket=CODE_BUCKET, Key="template.yaml", Body=body.encode())
    cloudformation = client("cloudformation")
    cloudformation.create_stack(
        StackName=stack,
        TemplateURL=f"{s3.meta.endpoint_url}/{CODE_BUCKET}/template.yaml",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    described = wait_for(cloudformation, stack)
    if described["StackStatus"] != "CREATE_COMPLETE":
        for event in cloudformation.describe_stack_events(StackName=stack)["StackEvents"]:
            told = [event.get(key) for key in ("LogicalResourceId", "ResourceStatus", "ResourceStatusReason")]
            print(*told, file=sys.stderr)
        sys.exit(f"the stack is {described['StackStatus']}")
    adopt(stack, parameters)
    print(f"deployed in {time.monotonic() - started:.1f} s", file=sys.stderr)


def adopt(stack, parameters):
    """Adds to a stack what the emulator leaves out of the template."""
    cloudformation = client("cloudformation")
    resources = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    }
    # The code lies in S3 by now, wherever it is.
    template = re.sub(r"CodeUri: \.\.\n", "CodeUri: s3://code/bootstrap.zip\n", TEMPLATE.read_text(encoding="utf-8"))
    translated = translate(template, parameters)
    defaults = {name: parameter.get("Default") for name, parameter in translated["Parameters"].items()}
    fill_gaps(translated["Resources"], resources, {**defaults, **parameters})
    for output in cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]:
        print(f"{output['OutputKey']}={output['OutputValue']}")


def resolved(value, parameters):
    """Puts parameters in for references to them."""
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            return parameters[value["Ref"]]
        return {key: resolved(inner, parameters) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolved(inner, parameters) for inner in value]
    return value


def fill_gaps(translated, resources, parameters):
    """Does what the template says and ministack 1.5.33 leaves out."""
    for name, resource in translated.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::ApiGatewayV2::Api":
            add_routes(resources[name], properties["Body"], resources, parameters)
        if resource["Type"] == "AWS::DynamoDB::Table" and "TimeToLiveSpecification" in properties:
            client("dynamodb").update_time_to_live(
                TableName=resources[name], TimeToLiveSpecification=properties["TimeToLiveSpecification"]
            )
        if resource["Type"] == "AWS::Lambda::EventSourceMapping" and "ScalingConfig" in properties:
            # Numbers that are parameters stay text, which its poller cannot compare.
            concurrency = resolved(properties["ScalingConfig"]["MaximumConcurrency"], parameters)
            client("lambda").update_event_source_mapping(
                UUID=resources[name], ScalingConfig={"MaximumConcurrency": int(concurrency)}
            )


def add_routes(api, body, resources, parameters):
    gateway, functions = client("apigatewayv2"), client("lambda")
    if gateway.get_routes(ApiId=api)["Items"]:
        sys.exit("the emulator makes routes by now: take this gap out")
    integrations = {}
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            function = re.search(r"\$\{(\w+)\.Arn\}", uri)[1]
            if function not in integrations:
                arn = functions.get_function(FunctionName=resources[function])["Configuration"]["FunctionArn"]
                integrations[function] = gateway.create_integration(
                    ApiId=api, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0", IntegrationUri=arn
                )["IntegrationId"]
            verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            key = path if path == "$default" else f"{verb} {path}"
            gateway.create_route(ApiId=api, RouteKey=key, Target=f"integrations/{integrations[function]}")
    cors = resolved(body["x-amazon-apigateway-cors"], parameters)
    gateway.update_api(
        ApiId=api,
        CorsConfiguration={
            "AllowOrigins": cors["allowOrigins"],
            "AllowMethods": cors["allowMethods"],
            "AllowHeaders": cors["allowHeaders"],
            "ExposeHeaders": cors["exposeHeaders"],
            "MaxAge": cors["maxAge"],
        },
    )


def down(stack):
    cloudformation = client("cloudformation")
    cloudformation.delete_stack(StackName=stack)
    while True:
        try:
            described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        except cloudformation.exceptions.ClientError:
            break
        if not described["StackStatus"].endswith("IN_PROGRESS"):
            if described["StackStatus"] != "DELETE_COMPLETE":
                sys.exit(f"the stack is {described['StackStatus']}")
            break
        time.sleep(0.2)
    print("the stack is deleted", file=sys.stderr)


if __name__ == "__main__":
    if sys.argv[1] == "up":
        up(sys.argv[2], sys.argv[3], dict(pair.split("=", 1) for pair in sys.argv[4:]))
    elif sys.argv[1] == "adopt":
        adopt(sys.argv[2], dict(pair.split("=", 1) for pair in sys.argv[3:]))
    else:
        down(sys.argv[2])
