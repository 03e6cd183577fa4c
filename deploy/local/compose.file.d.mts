/** Settings that containers do not get. */
export const NOT_IN_CONTAINERS: ReadonlySet<string>;

/**
 * The text of docker-compose.yml with its generated lines: every setting and every service that the file does not define
 * itself. `services`: by name. Throws for a secret that the file does not name: only some services may have it.
 */
export function fillCompose(
  text: string,
  settings: readonly { readonly variable: string; readonly secret: boolean }[],
  services: Readonly<Record<string, { readonly stages: readonly string[] }>>,
): string;
