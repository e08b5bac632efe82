"""informer.py PORT: list, then watch with resume, as the Python client's manual shows: executions and applications as custom objects with
bookmarks, pods typed. Prints what it knows for each line on stdin."""
import json
import sys
import threading
import time

import urllib3
from kubernetes import client, watch

settings = client.Configuration()
settings.host = f"http://127.0.0.1:{sys.argv[1]}"
settings.retries = False
api = client.ApiClient(settings)
custom, core = client.CustomObjectsApi(api), client.CoreV1Api(api)
story = {"lists": 0, "watches": 0, "events": 0, "bookmarks": 0, "expired": 0, "broken": 0}
known = {"executions": {}, "applications": {}, "pods": {}}


def meta(thing):
    m = thing["metadata"] if isinstance(thing, dict) else thing.metadata.to_dict()
    return f"{m.get('namespace')}/{m.get('name')}", m.get("resourceVersion") or m.get("resource_version")


def follow(plural, function, *words):
    version = None
    while True:
        try:
            if version is None:
                story["lists"] += 1
                listed = function(*words)
                items = listed["items"] if isinstance(listed, dict) else listed.items
                known[plural] = dict(meta(item) for item in items)
                version = meta(listed)[1] if isinstance(listed, dict) else listed.metadata.resource_version
            story["watches"] += 1
            for event in watch.Watch().stream(function, *words, resource_version=version, allow_watch_bookmarks=True, timeout_seconds=30):
                name, version = meta(event["raw_object"])
                story["bookmarks" if event["type"] == "BOOKMARK" else "events"] += 1
                if event["type"] == "DELETED":
                    known[plural].pop(name, None)
                elif event["type"] != "BOOKMARK":
                    known[plural][name] = version
        except client.ApiException as error:
            if error.status != 410:
                print(plural, error, file=sys.stderr, flush=True)
                time.sleep(0.2)
                continue
            story["expired"] += 1
            version = None
        except (urllib3.exceptions.HTTPError, OSError):
            story["broken"] += 1
            time.sleep(0.2)


for plural in ("executions", "applications"):
    threading.Thread(target=follow, args=(plural, custom.list_cluster_custom_object, "zoe", "v1", plural), daemon=True).start()
threading.Thread(target=follow, args=("pods", core.list_pod_for_all_namespaces), daemon=True).start()
for line in sys.stdin:
    print(json.dumps({**known, "story": ", ".join(f"{times} {what}" for what, times in story.items())}), flush=True)
