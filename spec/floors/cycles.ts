/**
 * One cycle for each strongly connected group of more than one node (or of one that points at itself), as a
 * path that ends where it began. Tarjan's algorithm.
 */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  return components(graph)
    .filter((group) => group.length > 1 || group.some((node) => graph.get(node)?.includes(node) === true))
    .map((group) => cycleWithin(graph, new Set(group)));
}

function components(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const groups: string[][] = [];
  const lowOf = (node: string): number => low.get(node) ?? Infinity;

  const visit = (node: string): void => {
    order.set(node, order.size);
    low.set(node, order.size - 1);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(lowOf(node), lowOf(next)));
    }
    if (lowOf(node) === order.get(node)) groups.push(stack.splice(stack.indexOf(node)));
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return groups;
}

/** Walks inside a strongly connected group until a node comes back. */
function cycleWithin(graph: ReadonlyMap<string, readonly string[]>, group: ReadonlySet<string>): string[] {
  const walk: string[] = [[...group].sort()[0] ?? ''];
  for (;;) {
    const next = graph.get(walk.at(-1) ?? '')?.find((node) => group.has(node));
    if (next === undefined) return walk;
    const seen = walk.indexOf(next);
    walk.push(next);
    if (seen !== -1) return walk.slice(seen);
  }
}
