import type { RaftNode } from '../node/raft-node.js';
import type { KvAnswer, KvCommand, KvQuery, KvResult } from './kv/commands.js';

/** A Raft node that replicates the key-value store. */
export type KvNode = RaftNode<KvCommand, KvResult, KvQuery, KvAnswer>;
