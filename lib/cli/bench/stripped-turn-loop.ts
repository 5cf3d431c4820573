/** What a proposal resolves with. */
export interface Stripped {
  readonly index: number;
  readonly term: number;
  readonly value: undefined;
}

interface Slot {
  readonly index: number;
  readonly term: number;
  readonly payload: Uint8Array;
}

/** Entries that stay behind what is applied, as a node keeps them for a slow peer; twice as many are cut back to it. */
const KEPT = 10_000;

/** One server: a log, what of it is committed and applied, and an inbox that is emptied in one microtask. */
class Server {
  log: Slot[] = [];
  first = 1;
  commit = 0;
  applied = 0;
  private inbox: (() => void)[] = [];

  constructor(private readonly afterTurn: (server: Server) => void) {}

  get last(): number {
    return this.first + this.log.length - 1;
  }

  receive(message: () => void): void {
    if (this.inbox.push(message) === 1) queueMicrotask(this.turn);
  }

  private readonly turn = (): void => {
    const messages = this.inbox;
    this.inbox = [];
    for (const message of messages) message();
    this.afterTurn(this);
    if (this.applied - this.first < 2 * KEPT) return;
    this.log = this.log.slice(this.applied - KEPT - this.first);
    this.first = this.applied - KEPT;
  };
}

/**
 * The honest ceiling: the steps of Raft's normal case and nothing around them. Three servers on this thread; a turn appends
 * what was proposed and sends it, the followers append and acknowledge, a majority commits, everyone applies a batch, and
 * each proposal's promise is resolved with its place in the log.
 *
 * It leaves out what makes that a Raft node: terms, elections, timers and leases, checks of any kind, failures, conflicts and
 * retries, flow control, persistence, encoding, deadlines and signals of calls, events and metrics.
 */
export function strippedTurnLoop(apply: (payloads: readonly Uint8Array[]) => readonly undefined[]): (payload: Uint8Array) => Promise<Stripped> {
  let waiting: { readonly payload: Uint8Array; readonly resolve: (result: Stripped) => void }[] = [];
  let standing: ((result: Stripped) => void)[] = [];
  let sent = 0;
  const matched = [0, 0];
  const noMessage = (): void => undefined;

  const followers = matched.map(() => new Server((follower) => applyCommitted(follower)));
  const leader = new Server(() => {
    for (const { payload, resolve } of waiting) {
      leader.log.push({ index: leader.last + 1, term: 1, payload });
      standing.push(resolve);
    }
    waiting = [];
    leader.commit = Math.max(leader.commit, Math.min(leader.last, Math.max(...matched))); // the leader and the faster follower are two of three
    const results = applyCommitted(leader);
    const answered = standing;
    standing = standing.slice(results.length);
    for (let i = 0, index = leader.applied - results.length + 1; i < results.length; i += 1, index += 1) answered[i]?.({ index, term: 1, value: results[i] });
    replicate();
  });

  function replicate(): void {
    const isBehind = followers.some((follower) => follower.commit < leader.commit);
    if (sent === leader.last && !isBehind) return;
    const entries = leader.log.slice(sent + 1 - leader.first);
    const { commit } = leader;
    sent = leader.last;
    for (const [i, follower] of followers.entries()) {
      follower.receive(() => {
        for (const entry of entries) follower.log.push(entry);
        follower.commit = Math.min(commit, follower.last);
        const { last } = follower;
        if (entries.length > 0) leader.receive(() => void (matched[i] = last));
      });
    }
  }

  function applyCommitted(server: Server): readonly undefined[] {
    if (server.applied === server.commit) return [];
    const results = apply(server.log.slice(server.applied + 1 - server.first, server.commit + 1 - server.first).map(({ payload }) => payload));
    server.applied = server.commit;
    return results;
  }

  return (payload) =>
    new Promise((resolve) => {
      if (waiting.push({ payload, resolve }) === 1) leader.receive(noMessage);
    });
}
