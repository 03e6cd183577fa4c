import { ProblemError } from './problem.js';

/** The part of the Express router that route matching needs. */
export interface Routes {
  readonly stack: readonly {
    readonly route?: { readonly methods?: Readonly<Record<string, boolean>> } | undefined;
    match(path: string): boolean;
  }[];
}

/** The methods of a path, sorted. Empty when the path does not exist. GET includes HEAD. */
export function methodsAt({ stack }: Routes, path: string): string[] {
  const methods = stack
    .filter((layer) => layer.route !== undefined && layer.match(path))
    .flatMap(({ route }) => Object.keys(route?.methods ?? {}))
    .map((method) => method.toUpperCase());
  return [...new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)].sort();
}

/** The 405 for a method that the path does not accept. */
export function methodNotAllowed(method: string, allowed: readonly string[]): ProblemError {
  const list = allowed.join(', ');
  return new ProblemError(
    405,
    'METHOD_NOT_ALLOWED',
    'Method not allowed',
    `this path does not accept ${method}; it accepts ${list}`,
    {
      headers: { Allow: list },
    },
  );
}
