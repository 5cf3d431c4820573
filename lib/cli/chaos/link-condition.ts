/** How one direction between two nodes fares. What is under way when it changes is told at each kind. */
export type LinkCondition =
  | { readonly type: 'open' }
  /** A black hole: swallows bytes, new connections and the ends of old ones. A connection that lost bytes to it is reset afterwards. */
  | { readonly type: 'cut' }
  /** A stalled link: keeps everything and delivers it, late, when the condition changes. */
  | { readonly type: 'hold' }
  | { readonly type: 'delay'; readonly delayMs: number; readonly jitterMs: number }
  | { readonly type: 'throttle'; readonly bytesPerSecond: number };

export const OPEN: LinkCondition = Object.freeze({ type: 'open' });
