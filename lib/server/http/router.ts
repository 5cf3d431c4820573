import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono, type Context } from 'hono';

/** What the framework hands through to a handler: Node's own request and response. */
interface RouterEnv {
  Bindings: HttpBindings;
}

/** Routes requests to handlers. The one place that knows which framework does so. */
export type Router = Hono<RouterEnv>;
export type RequestContext = Context<RouterEnv>;

export function createRouter(): Router {
  return new Hono<RouterEnv>();
}

/** The router as a listener of Node's HTTP server. Never rejects: the router answers errors. */
export function listenerOf(router: Router): (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> {
  return getRequestListener(router.fetch);
}
