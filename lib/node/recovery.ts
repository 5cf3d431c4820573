import { decodeConfiguration, encodeConfiguration, type Configuration } from '../core/configuration.js';
import type { Entry } from '../core/entry.js';
import { ORIGIN, type NodeId } from '../core/ids.js';
import type { NewNode } from '../core/membership-plan.js';
import type { StateMachine } from '../ports/state-machine.js';
import type { RecoveredState, Storage, StorageIdentity } from '../ports/storage.js';

/** What a node starts from. */
export interface Recovery {
  readonly state: RecoveredState;
  /** The configuration that this start wrote to an empty store; null when there was something already. */
  readonly bootstrapped: Configuration | null;
}

/**
 * Opens the store, writes the first configuration if the store is empty and one is given, and brings the
 * state machine to the latest snapshot.
 */
export async function recover<C, R, Q, A>(
  storage: Storage,
  stateMachine: StateMachine<C, R, Q, A>,
  identity: StorageIdentity,
  peers: Readonly<Record<NodeId, NewNode>> | undefined,
): Promise<Recovery> {
  const found = await storage.open(identity);
  await stateMachine.reset();
  const isEmpty = found.lastLog.index === 0 && found.hardState.term === 0 && found.snapshot === null;
  if (isEmpty && peers !== undefined) return bootstrap(storage, peers);
  const snapshot = found.snapshot === null ? null : await storage.readSnapshot();
  if (snapshot !== null) await stateMachine.restore(snapshot.chunks);
  return { state: found, bootstrapped: null };
}

/** Every node of a new cluster writes this same first entry, so that their logs agree from the start. */
async function bootstrap(storage: Storage, peers: Readonly<Record<NodeId, NewNode>>): Promise<Recovery> {
  const configuration = firstConfiguration(peers);
  const entry: Entry = { index: 1, term: 1, kind: 'configuration', payload: encodeConfiguration(configuration) };
  const hardState = { term: 1, votedFor: null };
  await storage.append({ id: 0, hardState, truncateAfter: null, entries: [entry] });
  const state: RecoveredState = {
    hardState,
    snapshot: null,
    compacted: ORIGIN,
    lastLog: { index: 1, term: 1 },
    terms: [{ term: 1, first: 1 }],
    configurations: [entry],
  };
  return { state, bootstrapped: configuration };
}

/** All of them voters. As the entry has it, so that this start and every later one see the same. */
function firstConfiguration(peers: Readonly<Record<NodeId, NewNode>>): Configuration {
  const nodes = Object.fromEntries(Object.entries(peers).map(([id, node]) => [id, typeof node === 'string' ? { address: node } : node]));
  return decodeConfiguration(encodeConfiguration({ voters: Object.keys(peers).sort(), votersOutgoing: [], learners: [], nodes }));
}
