import type { Exchange } from './exchange.js';
import { HttpProblem, problemOf, sendProblem } from './problem.js';

/** Answers a request, at once or later. What it throws is answered as a problem. */
export type Handler = (exchange: Exchange) => Promise<void> | void;

/** Who answers which method of a resource; GET answers HEAD as well. */
export type Methods = Readonly<Partial<Record<'GET' | 'PUT' | 'POST' | 'DELETE', Handler>>>;

/** Finds the handler of a request by its path, as it was sent. */
export class Router {
  readonly #resources = new Map<string, Methods>();
  readonly #folders = new Map<string, Methods>();

  /** @param onError told of errors that are neither the client's nor an answer of the node. */
  constructor(readonly onError: (error: unknown) => void) {}

  /** @param path one resource, or with a `*` at its end every one whose path goes on behind it. */
  add(path: string, methods: Methods): void {
    if (path.endsWith('*')) this.#folders.set(path.slice(0, -1), methods);
    else this.#resources.set(path, methods);
  }

  /** Never throws: every error is answered. */
  answer(exchange: Exchange): void {
    try {
      this.#handlerOf(exchange)(exchange)?.catch((error: unknown) => this.#refuse(exchange, error));
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  #refuse({ outgoing }: Exchange, error: unknown): void {
    const problem = problemOf(error);
    if (problem.status === 500 && !outgoing.destroyed) this.onError(error); // a client that went away is no error
    sendProblem(outgoing, problem);
  }

  /** @throws {HttpProblem} 404 or 405. */
  #handlerOf({ path, incoming: { method = '' } }: Exchange): Handler {
    const methods = this.#resources.get(path) ?? this.#folderOf(path);
    if (methods === undefined) throw new HttpProblem(404, 'no_such_resource', 'there is no such resource; GET / lists them');
    const name = method === 'HEAD' ? 'GET' : method;
    const handler = Object.hasOwn(methods, name) ? methods[name as keyof Methods] : undefined;
    if (handler !== undefined) return handler;
    const allowed = Object.keys(methods).flatMap((each) => (each === 'GET' ? ['GET', 'HEAD'] : each)).join(', ');
    throw new HttpProblem(405, 'method_not_allowed', `this resource takes ${allowed}`, { Allow: allowed });
  }

  #folderOf(path: string): Methods | undefined {
    for (const [folder, methods] of this.#folders) if (path.length > folder.length && path.startsWith(folder)) return methods;
    return undefined;
  }
}
