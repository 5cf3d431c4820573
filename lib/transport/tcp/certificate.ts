import type { NodeId } from '../../core/ids.js';

/**
 * How a certificate names a node: this URI among its subject alternative names. The cluster is part of it, so that one
 * authority may sign for several. The common name and host names say nothing: a certificate that a host got for
 * something else makes no node of it.
 */
export function nodeUri(clusterId: string, nodeId: NodeId): string {
  return `rxraft://${clusterId}/${nodeId}`;
}

/** Why a certificate with these alternative names is not that of the node; empty when it is. */
export function nameProblem(alternativeNames: string | undefined, uri: string): string {
  const names = split(alternativeNames ?? '');
  if (names.includes(`URI:${uri}`)) return '';
  return `the certificate does not name ${uri}, but ${names.length === 0 ? 'nothing' : names.join(', ').slice(0, 80)}`;
}

/** Node quotes whatever holds a comma or a quote, so that no name can pretend to be two; no node's URI is ever quoted. */
function split(alternativeNames: string): string[] {
  return alternativeNames.replaceAll(/"(?:[^"\\]|\\.)*"/g, '(quoted)').split(', ').filter((name) => name !== '');
}
