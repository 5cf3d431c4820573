/** Paths inside the value that are not frozen; empty when it is frozen all the way down. */
export function unfrozenPaths(value: unknown, path = '$'): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, item]) => unfrozenPaths(item, `${path}.${key}`));
  return Object.isFrozen(value) ? inner : [path, ...inner];
}
