const IN_PATH = /^\/v1\/webhooks\/[\w-]+\/([\w.-]+)\/[\w-]+$/;

/** The caller's purchase key: from the webhook's query or path, the input or the metadata, in that order. */
export function attemptKey({
  webhook,
  input,
  metadata,
}: {
  webhook?: string | undefined;
  input: Readonly<Record<string, unknown>>;
  metadata?: Readonly<Record<string, unknown>> | undefined;
}): string | null {
  const url = webhook === undefined ? undefined : new URL(webhook);
  const given = [
    url?.searchParams.get('key'),
    IN_PATH.exec(url?.pathname ?? '')?.[1],
    input['clipmesh_key'],
    metadata?.['clipmesh_key'],
    metadata?.['key'],
  ];
  return given.find((value): value is string => typeof value === 'string' && value !== '') ?? null;
}
