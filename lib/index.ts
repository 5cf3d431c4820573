/**
 * rxraft: a Raft node whose every state transition is an RxJS stream.
 *
 * This entry point has the node, its operators and the in-memory adapters. Durable storage is in
 * `rxraft/storage/file`, sockets in `rxraft/transport/tcp`; `openRaftNode` loads both when they are needed.
 */
export { msgpackCodec } from './codec/msgpack.js';
export { configurationOf, type Configuration, type NodeInfo } from './core/configuration.js';
export type { EntryKind } from './core/entry.js';
export { EVENT_SCHEMA_VERSION, type EventEnvelope, type EventOf, type EventType, type RaftEvent, type ReplicationState, type Role } from './core/events.js';
export { ORIGIN, type LogId, type LogIndex, type NodeId, type Term } from './core/ids.js';
export { createRaftNode, openRaftNode, openReplicated, type OpenNodeOptions, type OpenReplicatedOptions, type RaftNodeOptions } from './open.js';
export * from './node/index.js';
export type { CallSignal } from './ports/call-signal.js';
export type { Clock } from './ports/clock.js';
export { bytesCodec, type Codec } from './ports/codec.js';
export * from './ports/errors.js';
export { nullReporter, type RaftReporter } from './ports/reporter.js';
export type { Committed, StateMachine } from './ports/state-machine.js';
export type { RecoveredState, Storage, StorageIdentity } from './ports/storage.js';
export type { ConnectionChange, Inbound, PeerMessage, Rejection, Transport, TransportIdentity } from './ports/transport.js';
export { MemoryDisk, MemoryStorage } from './storage/memory.js';
export { MemoryNetwork, MemoryTransport } from './transport/memory.js';
