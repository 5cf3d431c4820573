import { Admission } from './admission.js';
import { paramsOf } from './params.js';
import { read, READ_PARAMS, readOptionsOf, type RouteParts } from './kv-routes.js';
import type { Handler, Router } from './router.js';

const RESOURCES = {
  '/kv/<key>': 'GET, HEAD, PUT, DELETE: one value, as bytes; ETag is its revision, If-Match and If-None-Match: * compare and set; ?consistency=linearizable|lease|stale, with stale &maxStalenessMs=',
  '/kv': 'GET: keys in order; ?prefix=&after=&limit=&values=none|base64',
  '/events': "GET: the node's transitions as server-sent events; ?type=NewLeader,… &since=start; resumes by Last-Event-ID",
  '/members': 'GET: who is in the cluster; POST: {"add":{"d":{"address":"host:port"}}}, promote, demote, remove, setAddress, or voters and learners; "expected" compares and sets. On the leader; others answer 421 with its address',
  '/transfer': 'POST: {"to":"b"} or nothing: hands leadership over. On the leader',
  '/step-down': 'POST: the leader gives leadership up',
  '/campaign': 'POST: this node starts an election',
  '/elections': 'POST: {"paused":true}: whether this node starts elections of its own',
  '/snapshot': 'POST: this node takes a snapshot; {"compact":true} also forgets the log it covers',
  '/metrics.json': "GET: the node's state",
  '/state.json': 'GET: size and checksum of the store, of this node unless ?consistency= says otherwise',
  '/healthz': 'GET: 200 while the process and its node work',
  '/readyz': 'GET: 200 while the node can serve',
} as const;

/** What tells of the node itself. */
export function addStatusRoutes(router: Router, parts: RouteParts, obstacleOf: () => string | null): void {
  const { node, limits } = parts;
  const resource = (path: string, GET: Handler): void => router.add(path, { GET });
  resource('/', (exchange) => exchange.json({ node: node.id, resources: RESOURCES }));
  resource('/metrics.json', (exchange) => exchange.json(node.metrics.value));
  resource('/healthz', (exchange) => {
    const { runningState, fatalError } = node.metrics.value;
    const isHealthy = runningState === 'initial' || runningState === 'running';
    exchange.json({ status: isHealthy ? 'ok' : 'failing', runningState, fatalError }, isHealthy ? 200 : 503);
  });
  resource('/readyz', (exchange) => {
    const obstacle = obstacleOf();
    const { role, term, leaderId } = node.metrics.value;
    exchange.json({ status: obstacle === null ? 'ready' : 'not ready', reason: obstacle, role, term, leaderId }, obstacle === null ? 200 : 503);
  });
  const checksums = new Admission(limits.maxChecksums, 1); // each reads the whole store
  resource('/state.json', (exchange) => {
    const options = readOptionsOf(paramsOf(exchange.query, READ_PARAMS), 'stale', limits);
    return checksums.during(0, async () => exchange.json(await read(exchange, node, { type: 'stats' }, options)));
  });
}
