export type { Interception, Intercept, LinkFaults, Scheduler } from './memory/faults.js';
export { NO_FAULTS } from './memory/faults.js';
export { MemoryNetwork, type MemoryNetworkOptions } from './memory/network.js';
export { MemoryTransport } from './memory/transport.js';
