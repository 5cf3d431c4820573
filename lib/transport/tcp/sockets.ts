import net from 'node:net';
import type { NodeId } from '../../core/ids.js';

/** Why the other end may not call itself that; empty when it may. */
export type Vouch = (claimed: NodeId) => string;

/** What becomes of an accepted connection: one of the two, once. */
export interface Admission {
  /** `socket` is ready for data. */
  ready(socket: net.Socket, vouch: Vouch): void;
  /** It is closed. `isSilent` when not a byte arrived. */
  failed(reason: string, isSilent: boolean): void;
}

/** What lies between the network and the greetings: nothing, or TLS. */
export interface Sockets {
  readonly isSecure: boolean;
  /** Makes an accepted connection ready. Returns how to give it up until then, or null when that is over already. */
  admit(raw: net.Socket, admission: Admission): ((reason: string) => void) | null;
  /** A socket on its way to a peer. `ready` is called once data may be written, to that peer; failure comes as the socket's `error`. */
  connect(host: string, port: number, peer: NodeId, ready: () => void): net.Socket;
}

/** TCP, unencrypted: everybody is believed. */
export const plainSockets: Sockets = Object.freeze({
  isSecure: false,
  admit: (raw: net.Socket, admission: Admission) => {
    admission.ready(raw, () => '');
    return null;
  },
  connect: (host: string, port: number, _peer: NodeId, ready: () => void) => net.connect({ host, port, noDelay: true }, ready),
});
