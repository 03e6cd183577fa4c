export type ServerName = 'nats-server' | 'docker-compose' | 'jaeger' | 'mongo-java-server' | 'cog';

export type Source = 'variable' | 'path' | 'cache' | 'built';
/** How to start the server. The caller adds its arguments after `args`. */
export interface ServerProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly source: Source;
}
/** A running server that the caller must not stop. */
export interface RunningServer {
  readonly url: string;
  readonly source: 'variable';
}
/** The server is not available. One sentence says why, and how to get it. */
export interface MissingServer {
  readonly missing: string;
}
export interface FindOptions {
  /** Environment. Default: that of the process. */
  readonly env?: NodeJS.ProcessEnv;
  /** False: a server without a build counts as missing. Default: true. A build takes minutes, at most an hour per step. */
  readonly mayBuild?: boolean;
  /** Aborts a build of this call; the server is then missing. Default: none. */
  readonly signal?: AbortSignal;
}

/** Folder of the builds: clipmesh/servers in XDG_CACHE_HOME, or in ~/.cache. */
export function cacheFolder(env?: NodeJS.ProcessEnv): string;

/**
 * Finds a server by its variable, on PATH or in the cache, or builds it from its registry. Waits for another process that
 * builds the same server.
 * Rejects only for an unknown name and for a wrong value of the variable.
 */
export function findServer(
  name: ServerName,
  options?: FindOptions,
): Promise<ServerProgram | RunningServer | MissingServer>;

/** As {@link findServer}, but prints why a server is missing and returns undefined. Rejects under CI=true. */
export function findServerOrSkip(
  name: ServerName,
  options?: FindOptions,
): Promise<ServerProgram | RunningServer | undefined>;
