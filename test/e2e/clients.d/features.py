"""features.py PORT: what programs do with the Python client, each thing once: custom objects, the dynamic client, patches, server-side apply,
Tables and metadata only, pods and their logs, errors. Exits 1 if any of it fails."""
import json
import sys
import time
import traceback

from kubernetes import client, dynamic, watch

settings = client.Configuration()
settings.host = f"http://127.0.0.1:{sys.argv[1]}"
api = client.ApiClient(settings)
custom, core = client.CustomObjectsApi(api), client.CoreV1Api(api)
WHERE = ("zoe", "v1", "features", "executions")
failed = 0


def execution(name, suspend=True, **spec):
    return {"apiVersion": "zoe/v1", "kind": "Execution", "metadata": {"name": name, "namespace": "features", "labels": {"of": "features"}},
            "spec": {"suspend": suspend, "application": {"services": [
                {"name": "main", "image": "zoe/mini:latest", "command": ["sleep", "infinity"]}]}, **spec}}


def until(what, seconds=20):
    end = time.time() + seconds
    while not (value := what()):
        if time.time() > end:
            raise AssertionError("this did not come true in time")
        time.sleep(0.1)
    return value


def refused(status, reason, function, *words, **named):
    try:
        function(*words, **named)
    except client.ApiException as error:
        assert (error.status, json.loads(error.body)["reason"]) == (status, reason), (error.status, error.body)
        return json.loads(error.body)
    raise AssertionError("this was not refused")


def custom_objects():
    made = custom.create_namespaced_custom_object(*WHERE, execution("a"))
    assert made["metadata"]["uid"] and made["metadata"]["generation"] == 1
    refused(409, "AlreadyExists", custom.create_namespaced_custom_object, *WHERE, execution("a"))
    patched = custom.patch_namespaced_custom_object(*WHERE, "a", {"spec": {"priority": 3}})
    assert patched["spec"]["priority"] == 3 and patched["metadata"]["generation"] == 2
    refused(409, "Conflict", custom.replace_namespaced_custom_object, *WHERE, "a", made)
    newest = until(lambda: (now := custom.get_namespaced_custom_object(*WHERE, "a"))["status"].get("observedGeneration") == 2 and now)
    newest["spec"]["priority"] = 4
    assert custom.replace_namespaced_custom_object(*WHERE, "a", newest)["spec"]["priority"] == 4
    status = custom.patch_namespaced_custom_object_status(*WHERE, "a", {"status": {"queuePosition": 0}, "spec": {"priority": 9}})
    assert status["spec"]["priority"] == 4
    refused(404, "NotFound", custom.get_namespaced_custom_object, *WHERE, "nothing")
    error = refused(422, "Invalid", custom.create_namespaced_custom_object, *WHERE, execution("b", priority=10**12))
    assert error["details"]["causes"][0]["field"] == "spec.priority", error
    assert "dry" not in str(custom.create_namespaced_custom_object(*WHERE, execution("dry"), dry_run="All")["metadata"].get("resourceVersion"))
    refused(404, "NotFound", custom.get_namespaced_custom_object, *WHERE, "dry")


def lists():
    for i in range(5):
        custom.create_namespaced_custom_object(*WHERE, execution(f"l{i}"))
    names, token = [], None
    while True:
        page = custom.list_namespaced_custom_object(*WHERE, limit=2, **({"_continue": token} if token else {}))
        names += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue")
        if not token:
            break
    assert names == ["a", "l0", "l1", "l2", "l3", "l4"], names
    assert len(custom.list_cluster_custom_object("zoe", "v1", "executions", label_selector="of=features")["items"]) == 6
    assert len(custom.list_namespaced_custom_object(*WHERE, field_selector="metadata.name=l1")["items"]) == 1


def dynamic_client():
    found = dynamic.DynamicClient(api).resources
    executions = found.get(api_version="zoe/v1", kind="Execution")
    assert executions.namespaced and "exec" in executions.short_names
    assert executions.get(name="a", namespace="features").spec.priority == 4
    assert found.get(api_version="v1", kind="Pod").subresources
    changed = executions.patch(namespace="features", name="a", content_type="application/json-patch+json",
                               body=[{"op": "test", "path": "/spec/priority", "value": 4}, {"op": "replace", "path": "/spec/priority", "value": 5}])
    assert changed.spec.priority == 5
    body = execution("applied", priority=1)

    def apply(manager, **force):  # this version of the client sends as YAML what is text already
        return executions.server_side_apply(body=json.dumps(body), name="applied", namespace="features", field_manager=manager, **force)

    applied = apply("one")
    assert [(m.manager, m.operation) for m in applied.metadata.managedFields] == [("one", "Apply")]
    body["spec"]["priority"] = 2
    error = refused(409, "Conflict", apply, "two")
    assert error["details"]["causes"] == [{"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".spec.priority"}], error
    assert apply("two", force_conflicts=True).spec.priority == 2
    seen = {event["object"].metadata.name for event in executions.watch(namespace="features", timeout=2)}
    assert sorted(seen) == ["a", "applied", "l0", "l1", "l2", "l3", "l4"], seen


def forms():
    def get(accept):
        return api.call_api("/apis/zoe/v1/namespaces/features/executions", "GET", header_params={"Accept": accept}, response_type="object",
                            _return_http_data_only=True)

    table = get("application/json;as=Table;v=v1;g=meta.k8s.io")
    assert (table["kind"], len(table["rows"]), table["columnDefinitions"][0]["name"].lower()) == ("Table", 7, "name"), table
    only = get("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")
    assert only["kind"] == "PartialObjectMetadataList" and only["apiVersion"] == "meta.k8s.io/v1", only["kind"]
    assert all("spec" not in item and item["metadata"]["uid"] for item in only["items"])


def watching():
    listed = custom.list_namespaced_custom_object(*WHERE)
    custom.patch_namespaced_custom_object(*WHERE, "l1", {"metadata": {"labels": {"seen": "yes"}}})
    custom.delete_namespaced_custom_object(*WHERE, "l2")
    until(lambda: "l2" not in [i["metadata"]["name"] for i in custom.list_namespaced_custom_object(*WHERE)["items"]])
    seen = [(e["type"], e["object"]["metadata"]["name"]) for e in watch.Watch().stream(
        custom.list_namespaced_custom_object, *WHERE, resource_version=listed["metadata"]["resourceVersion"], timeout_seconds=1)]
    assert ("MODIFIED", "l1") in seen and seen[-1] == ("DELETED", "l2"), seen


def pods():
    custom.create_namespaced_custom_object(*WHERE, execution("runs", suspend=False))
    pod = until(lambda: [p for p in core.list_namespaced_pod("features").items if p.status.phase == "Running"])[0]
    assert pod.metadata.owner_references[0].name == "runs" and pod.status.container_statuses[0].ready
    assert core.read_namespaced_pod(pod.metadata.name, "features").spec.node_name
    assert isinstance(core.read_namespaced_pod_log(pod.metadata.name, "features", tail_lines=5), str)
    assert len(core.list_node().items) == 3 and core.list_node().items[0].status.capacity["cpu"]
    assert "features" in [n.metadata.name for n in core.list_namespace().items]
    assert [e for e in core.list_namespaced_event("features").items if e.involved_object.name == "runs"]


def ending():
    gone = custom.delete_collection_namespaced_custom_object(*WHERE)
    assert gone["kind"] in ("Status", "ExecutionList")
    until(lambda: not custom.list_namespaced_custom_object(*WHERE)["items"])


for thing in (custom_objects, lists, dynamic_client, forms, watching, pods, ending):
    try:
        thing()
    except Exception:
        failed += 1
        print(f"FAILED: python {client.__package__} {thing.__name__}: {traceback.format_exc()}", flush=True)
print(f"python: 7 things done, {failed} failed")
sys.exit(1 if failed else 0)
