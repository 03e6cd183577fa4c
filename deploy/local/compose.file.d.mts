import type { Setting } from '@clipmesh/config';

/** What the generated lines come from. */
export interface ComposeSource {
  readonly settings: readonly Pick<Setting, 'variable' | 'secret' | 'services'>[];
  /** By the variable of a provider's token, the variables with which the sandbox replaces the provider while it is unset. */
  readonly sandboxed: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** By name. */
  readonly services: Readonly<Record<string, { readonly stages: readonly string[] }>>;
}

/**
 * The text of docker-compose.yml with its generated lines: every setting and every service that the file does not define
 * itself. Throws for a secret that neither names its services nor stands in the file, and for a setting of a service that has no
 * generated settings.
 */
export function fillCompose(text: string, source: ComposeSource): string;
