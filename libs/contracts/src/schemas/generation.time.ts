/** Creation time of an id, ms since the epoch: an id begins with it (UUID version 7). */
export function createdAtMs(generationId: string): number {
  return Number.parseInt(generationId.slice(4, 16), 16);
}
