// The versions `inter.broker.protocol.version` may name, oldest first. Up to 3.3 a release and its revisions were protocol
// versions of a ZooKeeper cluster; what each one changed between brokers belongs to who sends the request.
const METADATA_VERSIONS = [
  '0.8.0', '0.8.1', '0.8.2', '0.9.0', '0.10.0-IV0', '0.10.0-IV1', '0.10.1-IV0', '0.10.1-IV1', '0.10.1-IV2',
  '0.10.2-IV0', '0.11.0-IV0', '0.11.0-IV1', '0.11.0-IV2', '1.0-IV0', '1.1-IV0', '2.0-IV0', '2.0-IV1', '2.1-IV0',
  '2.1-IV1', '2.1-IV2', '2.2-IV0', '2.2-IV1', '2.3-IV0', '2.3-IV1', '2.4-IV0', '2.4-IV1', '2.5-IV0', '2.6-IV0',
  '2.7-IV0', '2.7-IV1', '2.7-IV2', '2.8-IV0', '2.8-IV1', '3.0-IV0', '3.0-IV1', '3.1-IV0', '3.2-IV0', '3.3-IV0',
  '3.3-IV1', '3.3-IV2', '3.3-IV3', '3.4-IV0', '3.5-IV0', '3.5-IV1', '3.5-IV2', '3.6-IV0', '3.6-IV1', '3.6-IV2',
  '3.7-IV0', '3.7-IV1', '3.7-IV2', '3.7-IV3', '3.7-IV4', '3.8-IV0', '3.9-IV0', '4.0-IV0', '4.0-IV1',
] as const;

/** One of the versions, or the release it belongs to: `3.9` and `3.9.1` mean the last revision of 3.9. */
export function isMetadataVersion(text: string): boolean {
  return resolveMetadataVersion(text) !== undefined;
}

/** The full name of the version that `text` means, if there is one (MetadataVersion.fromVersionString). */
export function resolveMetadataVersion(text: string): string | undefined {
  const exact = METADATA_VERSIONS.find(version => version === text);
  if (exact !== undefined) return exact;
  // Before 1.0 a release had three parts (0.10.2), since then it has two.
  const parts = text.split('.');
  const release = parts.slice(0, text.startsWith('0.') ? 3 : 2).join('.');
  return METADATA_VERSIONS.findLast(version => version === release || version.startsWith(`${release}-`));
}

/** Whether the resolved version `a` is at least `b`. */
export function atLeast(a: string, b: (typeof METADATA_VERSIONS)[number]): boolean {
  const order: readonly string[] = METADATA_VERSIONS;
  return order.indexOf(a) >= order.indexOf(b);
}
