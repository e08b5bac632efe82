"""streams.py URL NAMESPACE POD: a program in a pod, both ways, and one of its ports, with the Python client over WebSockets. POD serves HTTP at 8080."""
import sys

from kubernetes import client
from kubernetes.stream import portforward, stream

settings = client.Configuration()
settings.host = sys.argv[1]
core = client.CoreV1Api(client.ApiClient(settings))
namespace, pod = sys.argv[2:]

said = stream(core.connect_get_namespaced_pod_exec, pod, namespace, command=["echo", "hello"], stdout=True, stderr=True, stdin=False, tty=False)
assert said == "hello\n", said
talk = stream(core.connect_get_namespaced_pod_exec, pod, namespace, command=["cat"], stdout=True, stderr=True, stdin=True, tty=False,
              _preload_content=False)
talk.write_stdin("there and back\n")
assert talk.readline_stdout(timeout=10) == "there and back"
talk.close()
ends = stream(core.connect_get_namespaced_pod_exec, pod, namespace, command=["sh", "-c", "echo why >&2; exit 3"], stdout=True, stderr=True,
              stdin=False, tty=False, _preload_content=False)
ends.run_forever(timeout=10)
assert (ends.returncode, ends.read_stderr()) == (3, "why\n")
ports = portforward(core.connect_get_namespaced_pod_portforward, pod, namespace, ports="8080")
port = ports.socket(8080)
port.setblocking(True)
port.sendall(b"GET / HTTP/1.0\r\n\r\n")
answer = b""
while piece := port.recv(65536):
    answer += piece
assert b"Directory listing" in answer and ports.error(8080) is None, (answer, ports.error(8080))
