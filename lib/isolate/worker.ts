/** The node's thread begins here. */
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerSetup } from './setup.js';
import { WorkerNode } from './worker-node.js';

if (parentPort === null) throw new Error('this file is a worker of rxraft: set isolate in the options of openRaftNode');
new WorkerNode(parentPort, workerData as WorkerSetup).start();
