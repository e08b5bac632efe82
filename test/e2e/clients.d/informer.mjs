// informer.mjs PORT: the JavaScript client's informers of executions, applications (as custom objects) and pods (typed). Prints what they know
// for each line on stdin.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.env.ZOE_MODULES + '/');
const k8s = await import(pathToFileURL(require.resolve('@kubernetes/client-node')).href);

const config = new k8s.KubeConfig();
config.loadFromOptions({
  clusters: [{ name: 'zoe', server: `http://127.0.0.1:${process.argv[2]}`, skipTLSVerify: true }],
  users: [{ name: 'me' }],
  contexts: [{ name: 'zoe', cluster: 'zoe', user: 'me' }],
  currentContext: 'zoe',
});
const custom = config.makeApiClient(k8s.CustomObjectsApi);
const core = config.makeApiClient(k8s.CoreV1Api);
const story = { add: 0, update: 0, delete: 0, connect: 0, error: 0 };
const wrong = [];

function start(path, list) {
  const informer = k8s.makeInformer(config, path, list);
  const seen = new Map();
  const id = (object) => `${object.metadata.namespace}/${object.metadata.name}`;
  for (const what of Object.keys(story)) informer.on(what, () => story[what]++);
  // An object is added once, and changed or deleted only while it is there.
  informer.on('add', (object) => {
    if (seen.has(id(object))) wrong.push(`added twice: ${id(object)}`);
    seen.set(id(object), object.metadata.resourceVersion);
  });
  informer.on('update', (object) => seen.set(id(object), object.metadata.resourceVersion));
  informer.on('delete', (object) => seen.delete(id(object)));
  informer.on('error', (error) => console.error(path, String(error).slice(0, 500)));
  informer.on('error', () => setTimeout(() => informer.start(), 200));
  informer.start();
  return () => Object.fromEntries(informer.list().map((object) => [id(object), object.metadata.resourceVersion]));
}

const group = (plural) => ({ group: 'zoe', version: 'v1', plural });
const executions = start('/apis/zoe/v1/executions', () => custom.listClusterCustomObject(group('executions')));
const applications = start('/apis/zoe/v1/applications', () => custom.listClusterCustomObject(group('applications')));
const pods = start('/api/v1/pods', () => core.listPodForAllNamespaces());

createInterface(process.stdin).on('line', () => {
  const told = Object.entries(story).map(([what, times]) => `${times} ${what}`).join(', ');
  console.log(JSON.stringify({
    executions: executions(), applications: applications(), pods: pods(), story: told + (wrong.length ? `; WRONG: ${wrong}` : ''),
  }));
});
