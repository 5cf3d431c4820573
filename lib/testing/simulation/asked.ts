import type { ServerRun, SimulatedServer } from './server.js';

/** How a call may end. */
export interface Endings<T> {
  /** Which errors it may come to; called with the error once. */
  readonly isLawful: (error: unknown) => boolean;
  readonly done?: (value: T) => void;
}

/** The server that an operator asks, and what waits for the answer. */
export interface Asked {
  readonly server: SimulatedServer;
  readonly run: ServerRun;
  /** Waits for a call's end, which must come unless the node dies. */
  readonly follow: <T>(name: string, call: Promise<T>, endings: Endings<T>) => void;
}
