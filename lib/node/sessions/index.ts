/** Client sessions: commands that take effect once (thesis §6.3). */
export { ClientSession } from './client-session.js';
export type { SessionCommand, SessionId, SessionRefusal, SessionResult } from './commands.js';
export { openSession, type OpenSessionOptions } from './open-session.js';
export type { SessionNode } from './persistent-proposer.js';
export { sessionCodec } from './session-codec.js';
export type { SessionLimits } from './session-table.js';
export { DEFAULT_SESSION_LIMITS, withSessions, type SessionMachine, type SessionMachineOptions } from './with-sessions.js';
