/** The caller's purchase key: from the webhook's query, the input or the metadata, in that order. */
export function attemptKey({
  webhook,
  input,
  metadata,
}: {
  webhook?: string | undefined;
  input: Readonly<Record<string, unknown>>;
  metadata?: Readonly<Record<string, unknown>> | undefined;
}): string | null {
  const fromUrl = webhook === undefined ? null : new URL(webhook).searchParams.get('key');
  const given = [fromUrl, input['clipmesh_key'], metadata?.['clipmesh_key'], metadata?.['key']];
  return given.find((value): value is string => typeof value === 'string' && value !== '') ?? null;
}
