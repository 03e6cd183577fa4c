/** Settings that containers do not get. */
export const NOT_IN_CONTAINERS: ReadonlySet<string>;

/**
 * The text of docker-compose.yml with the generated lines of `settings`: every setting that the file does not set itself.
 * Throws for a secret that the file does not name: only some services may have it.
 */
export function fillCompose(
  text: string,
  settings: readonly { readonly variable: string; readonly secret: boolean }[],
): string;
