import { MembershipChangeError, NotLeaderError, TransferError } from '../../ports/errors.js';
import type { KvNode } from '../kv-node.js';
import { changeOf, electionsOf, nothingOf, parseBody, snapshotOf, transferOf } from './admin-body.js';
import type { Exchange } from './exchange.js';
import type { RouteParts } from './kv-routes.js';
import { configurationReport, leaderReport, membersReport } from './member-report.js';
import { paramsOf } from './params.js';
import { HttpProblem } from './problem.js';
import { declaredLength, readBody } from './read-body.js';
import type { Handler, Router } from './router.js';

type Body = Readonly<Record<string, unknown>>;
type Order = (body: Body, exchange: Exchange, parts: RouteParts) => Promise<void> | void;

/**
 * What operators ask of a node. Nothing here is handed on to the leader: a change that another node made on one's
 * behalf could not be told apart from one that failed. Who asks the wrong node is told the right one (421).
 */
const ORDERS: Readonly<Record<string, Order>> = {
  '/members': async (body, exchange, { node, limits }) => {
    const { change, expected } = changeOf(body);
    requireLeader(node);
    const options = { timeoutMs: limits.callTimeoutMs, ...(expected === null ? {} : { expected }) };
    const { index, configuration } = await node.changeMembership(change, { ...options, signal: exchange.gone });
    exchange.json(configurationReport(index, configuration));
  },
  '/transfer': async (body, exchange, { node }) => {
    const { to } = transferOf(body);
    requireLeader(node);
    const startedAt = performance.now();
    const leader = await node.transferLeadership(to, { signal: exchange.gone });
    exchange.json({ from: node.id, to: leader, ms: Math.round(performance.now() - startedAt) });
  },
  '/step-down': (body, exchange, { node }) => {
    nothingOf(body);
    requireLeader(node);
    node.stepDown();
    exchange.json({ node: node.id, term: node.metrics.value.term }, 202);
  },
  '/campaign': (body, exchange, { node }) => {
    nothingOf(body);
    const { role, term } = node.metrics.value;
    if (role === 'leader' || role === 'learner') throw new HttpProblem(409, 'cannot_campaign', `node ${node.id} is ${role === 'leader' ? 'the leader already' : 'a learner, which is never elected'}`);
    node.campaign();
    exchange.json({ node: node.id, term }, 202);
  },
  '/elections': (body, exchange, { node }) => {
    const { paused } = electionsOf(body);
    if (paused) node.pauseElections();
    else node.resumeElections();
    exchange.json({ node: node.id, paused });
  },
  '/snapshot': async (body, exchange, { node }) => {
    const { compact } = snapshotOf(body);
    const { last, bytes } = await node.takeSnapshot();
    if (compact) node.compactLog(last.index);
    exchange.json({ node: node.id, last, bytes });
  },
};

export function addAdminRoutes(router: Router, parts: RouteParts): void {
  const { node, admission } = parts;
  const members: Handler = (exchange) => {
    paramsOf(exchange.query, []);
    exchange.json(membersReport(node.metrics.value));
  };
  for (const [path, order] of Object.entries(ORDERS)) {
    const POST: Handler = (exchange) => admission.during(declaredLength(exchange.incoming, parts.limits.maxAdminBodyBytes), () => obey(exchange, parts, order));
    router.add(path, path === '/members' ? { GET: members, POST } : { POST });
  }
}

async function obey(exchange: Exchange, parts: RouteParts, order: Order): Promise<void> {
  const { node, limits } = parts;
  paramsOf(exchange.query, []);
  refuseForeignPages(exchange);
  const body = await readBody(exchange.incoming, limits.maxAdminBodyBytes, limits.bodyTimeoutMs);
  try {
    await order(parseBody(body), exchange, parts);
  } catch (error) {
    throw adminProblemOf(error, node);
  }
}

/** A page of another site that a browser shows must not steer a node that the browser can reach. */
function refuseForeignPages(exchange: Exchange): void {
  const origin = exchange.header('origin');
  if (origin === undefined || origin === `http://${exchange.header('host') ?? ''}`) return;
  throw new HttpProblem(403, 'cross_origin', `a page of ${origin} may not administer this node`);
}

function adminProblemOf(error: unknown, node: KvNode): unknown {
  if (error instanceof NotLeaderError) return notLeader(node, error.leaderId);
  if (error instanceof MembershipChangeError) {
    const { effectiveIndex } = node.metrics.value.membership;
    const [status, code] = error.outcome === 'refused' ? ([409, 'membership_change_refused'] as const) : ([504, 'indeterminate'] as const);
    return new HttpProblem(status, code, error.message, {}, { reason: error.reason, outcome: error.outcome, current: configurationReport(effectiveIndex, error.current) });
  }
  if (error instanceof TransferError) return new HttpProblem(409, 'transfer_failed', error.message, {}, { outcome: error.outcome, reason: error.reason });
  return error;
}

/** Before the node is asked: it would report the refusal as an event, which tells operators nothing. @throws {HttpProblem} 421 or 503 */
function requireLeader(node: KvNode): void {
  if (node.metrics.value.role !== 'leader') throw notLeader(node);
}

/** 421 with the leader, where there is one; else 503: ask again soon. */
function notLeader(node: KvNode, leaderId = node.metrics.value.leaderId): HttpProblem {
  if (leaderId === null || leaderId === node.id) return new HttpProblem(503, 'no_leader', 'no leader is known at the moment; retry shortly', { 'Retry-After': '1' }, { leader: null });
  const leader = leaderReport(leaderId, node.metrics.value.membership.effective);
  const where = leader.http === null ? '' : ` at http://${leader.http}`;
  return new HttpProblem(421, 'not_leader', `node ${node.id} does not lead; ask ${leaderId}${where}`, {}, { leader });
}
