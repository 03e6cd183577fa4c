import { ProblemError } from './problem.js';

/** What of Express' router tells its routes apart. */
export interface Routes {
  readonly stack: readonly {
    readonly route?: { readonly methods?: Readonly<Record<string, boolean>> } | undefined;
    match(path: string): boolean;
  }[];
}

/** The methods that a path takes, sorted; none for one that does not exist. Whatever can be read has its head too. */
export function methodsAt({ stack }: Routes, path: string): string[] {
  const methods = stack
    .filter((layer) => layer.route !== undefined && layer.match(path))
    .flatMap(({ route }) => Object.keys(route?.methods ?? {}))
    .map((method) => method.toUpperCase());
  return [...new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)].sort();
}

/** The path exists, the method does not. */
export function methodNotAllowed(method: string, allowed: readonly string[]): ProblemError {
  const list = allowed.join(', ');
  return new ProblemError(
    405,
    'METHOD_NOT_ALLOWED',
    'This address takes another method',
    `not ${method}, but ${list}`,
    {
      headers: { Allow: list },
    },
  );
}
