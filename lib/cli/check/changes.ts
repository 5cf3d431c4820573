import { ClusterClient } from '../client/cluster-client.js';
import type { Member } from '../cluster/plan.js';
import { exitText, type NodeProcess } from '../cluster/process.js';
import { leaderOf, metricsOf, poll } from '../cluster/status.js';
import type { HttpClient } from '../http-client.js';
import type { MembersReport } from '../../server/http/member-report.js';

/** What the changes need of a cluster: to start a node, and to stop one. */
export interface Processes {
  startMember(member: Member): Promise<void>;
  processOf(id: string): Pick<NodeProcess, 'stop'>;
}

export interface ChangesParts {
  readonly cluster: Processes;
  readonly client: HttpClient;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Called as soon as the new node serves HTTP. */
  readonly onJoined: (member: Member) => void;
  /** Called before a node is stopped that is no member any more. */
  readonly onRemoved: (member: Member) => void;
}

export interface Transferred {
  readonly from: string;
  readonly to: string;
  readonly ms: number;
  /** How often it was asked for: a transfer may time out, and changes nothing then. */
  readonly attempts: number;
}

/** What became of replacing a node. */
export interface Replacement {
  readonly joined: Member;
  readonly removed: Member;
  /** From the call that added it to its first vote. */
  readonly promotedMs: number;
  readonly removedMs: number;
  /** The log of the leader that it joined began after this index, or later. */
  readonly compactedThrough: number;
  readonly voters: readonly string[];
}

const CALL_TIMEOUT_MS = 15_000;
const MAX_ATTEMPTS = 5;
const STOP_TIMEOUT_MS = 15_000;

/** Moves leadership and replaces a node, as an operator would: over HTTP, asking any node. */
export class Changes {
  readonly #parts: ChangesParts;

  constructor(parts: ChangesParts) {
    this.#parts = parts;
  }

  async transfer(members: readonly Member[]): Promise<Transferred> {
    const admin = this.#admin(members);
    let attempts = 0;
    return this.#persist('a transfer of leadership', async () => {
      attempts += 1;
      const moved = await admin.json<Omit<Transferred, 'attempts'>>(admin.leader('POST', '/transfer', {}));
      return { ...moved, attempts };
    });
  }

  /** Starts `joiner` with nothing, adds it, waits until it votes, then removes and stops a follower. */
  async replace(members: readonly Member[], joiner: Member): Promise<Replacement> {
    const { cluster, client, signal, now, onJoined, onRemoved } = this.#parts;
    const admin = this.#admin(members);
    const { member: leader } = await poll(() => leaderOf(client, members), signal, 'a leader');
    // Only behind a compacted log the new node needs a snapshot.
    const compactedThrough = await poll(async () => (await metricsOf(client, leader)).compacted.index || null, signal, `node ${leader.id} to compact its log`);
    await cluster.startMember(joiner);
    onJoined(joiner);
    const addedAt = now();
    const http = joiner.url.replace('http://', '');
    const add = { [joiner.id]: { address: `127.0.0.1:${joiner.raftPort}`, metadata: { http } } };
    await this.#change(admin, { add }, (ids) => ids.includes(joiner.id));
    await poll(() => this.#voters(admin, (ids) => ids.includes(joiner.id)), signal, `node ${joiner.id} to become a voter`);
    const promotedMs = now() - addedAt;
    const { counters } = await metricsOf(client, joiner);
    if (counters.snapshotsReceived === 0) throw new Error(`node ${joiner.id} joined behind a compacted log and received no snapshot`);

    const current = await poll(() => leaderOf(client, members), signal, 'a leader');
    const removed = members.find(({ id }) => id !== current.member.id);
    if (removed === undefined) throw new Error('there is no follower to remove');
    const removedAt = now();
    await this.#change(admin, { remove: [removed.id] }, (ids) => !ids.includes(removed.id));
    const removedMs = now() - removedAt;
    const voters = await poll(() => this.#voters(admin, (ids) => !ids.includes(removed.id)), signal, `node ${removed.id} to be removed`);
    onRemoved(removed);
    const { wasKilled, ...exit } = await cluster.processOf(removed.id).stop(STOP_TIMEOUT_MS);
    if (wasKilled || exit.code !== 0) throw new Error(`node ${removed.id}, removed, ${exitText(exit)} instead of stopping in order`);
    return { joined: joiner, removed, promotedMs, removedMs, compactedThrough, voters };
  }

  /** Makes a change. One whose answer was lost with the leader may have been made: it is asked for again only if it was not. */
  async #change(admin: ClusterClient, change: Readonly<Record<string, unknown>>, isMade: (ids: readonly string[]) => boolean): Promise<void> {
    await this.#persist('a change of the membership', async () => {
      const { effective } = await admin.members();
      if (isMade(effective.members.map(({ id }) => id))) return true;
      return admin.json(admin.leader('POST', '/members', change));
    });
  }

  async #persist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    let failures = 0;
    const tried = async (): Promise<{ readonly value: T } | null> => {
      try {
        return { value: await attempt() };
      } catch (error) {
        failures += 1;
        if (failures === MAX_ATTEMPTS) throw error;
        return null;
      }
    };
    return (await poll(tried, this.#parts.signal, what)).value;
  }

  /** Who votes, once that is committed and as wanted; null before. */
  async #voters(admin: ClusterClient, isWanted: (ids: readonly string[]) => boolean): Promise<readonly string[] | null> {
    const { effective, committed }: MembersReport = await admin.members();
    const ids = effective.members.filter(({ role }) => role === 'voter').map(({ id }) => id);
    return committed.index === effective.index && !effective.isJoint && isWanted(ids) ? ids : null;
  }

  #admin(members: readonly Member[]): ClusterClient {
    const { client, now } = this.#parts;
    return new ClusterClient({ http: client, endpoints: members.map(({ url }) => url.replace('http://', '')), timeoutMs: CALL_TIMEOUT_MS, now });
  }
}
